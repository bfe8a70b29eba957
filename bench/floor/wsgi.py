import os

from django.core.wsgi import get_wsgi_application

from config.preallocated_frames import with_frame_memory

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.floor.settings"
application = with_frame_memory(get_wsgi_application())
