from dataclasses import dataclass
from uuid import UUID

from journal.models import EditSession, Letter, Words


@dataclass(frozen=True)
class Submission:
    """The words of a letter as a page sends them."""

    words: Words
    # The version of the letter that the page showed; 0 on the page of a new letter.
    version: int = 0
    # The late revision that took this page's earlier words.
    revision: UUID | None = None
    # None on pages without a script.
    edit_session: EditSession | None = None
    # Whether the words may have been sent before, or have waited on a device. If they begin a
    # letter, that letter may have been deleted since.
    is_resent: bool = False
    # Whether they are stored already, as a version of a letter: the quota does not refuse them.
    is_stored: bool = False

    def follows(self, letter: Letter) -> bool:
        """Whether the page knew the current words of this letter."""
        return self.version == letter.version or self._is_from_last_page(letter)

    def is_superseded(self, letter: Letter) -> bool:
        """Whether the letter already has newer words of the same page."""
        turn = self.edit_session.turn if self.edit_session else 0
        return self._is_from_last_page(letter) and turn <= letter.turn

    def _is_from_last_page(self, letter: Letter) -> bool:
        return self.edit_session is not None and self.edit_session.id == letter.sitting
