"""Every query of the feature."""

from stoa_ai.ask.models import Generation
from stoa_common.database import Session


class GenerationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, generation: Generation) -> None:
        self._session.add(generation)
