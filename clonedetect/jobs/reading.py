"""Reading and classifying pages for the crawler, in processes that can be killed."""

from __future__ import annotations

from dataclasses import dataclass

from clonedetect.errors import InputError
from clonedetect.extract.page import read_page
from clonedetect.extract.sandbox import Killed, Sandbox
from clonedetect.extract.walls import classify
from clonedetect.models.capture import FetchResult, Outcome, Purpose
from clonedetect.models.page import PageContent

__all__ = ["SandboxReader"]


@dataclass(frozen=True, slots=True)
class SandboxReader:
    """Reads documents in the sandbox for the crawler."""

    sandbox: Sandbox

    async def read(self, content: bytes, url: str, content_type: str) -> PageContent:
        """Return what the page leads to; raises InputError where the parser had to be stopped."""
        answer = await self.sandbox.acall(read_page, content, url, content_type)
        if isinstance(answer, Killed):
            raise InputError(f"the parser of {url} was stopped: {answer.reason} ({answer.detail})")
        return answer

    async def classify(self, result: FetchResult) -> tuple[Outcome, str] | None:
        """Return a finer outcome for a page that is a wall; a parser that had to be stopped is one too."""
        if result.purpose not in (Purpose.PAGE, Purpose.API) or not result.exchanges:
            return None
        last = result.exchanges[-1]
        if last.status is None:
            return None
        try:
            answer = await self.sandbox.acall(
                classify, last.status, last.headers, result.content, result.url, result.final_url
            )
        except InputError as error:
            return Outcome.PARSE_KILLED, str(error)
        if isinstance(answer, Killed):
            return Outcome.PARSE_KILLED, f"the parser was stopped: {answer.reason}"
        return answer
