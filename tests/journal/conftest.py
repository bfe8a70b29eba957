from tests.safety.conftest import browser as browser
from tests.safety.conftest import new_page as new_page
from tests.safety.conftest import server as server
from tests.safety.conftest import site as site
from tests.safety.conftest import stored as stored
from tests.safety.conftest import weather as weather
