"""Looking at fetched pages for the crawler, in processes that can be killed."""

from __future__ import annotations

from dataclasses import dataclass

from clonedetect.crawl.hooks import Examined
from clonedetect.errors import InputError
from clonedetect.extract.look import look
from clonedetect.extract.page import read_leads
from clonedetect.extract.sandbox import Killed, Sandbox
from clonedetect.models.capture import FetchResult, Outcome, Purpose
from clonedetect.models.page import PageContent

__all__ = ["SandboxReader"]


@dataclass(frozen=True, slots=True)
class SandboxReader:
    """Reads documents in the sandbox for the crawler."""

    sandbox: Sandbox

    async def read(self, content: bytes, url: str, content_type: str) -> PageContent:
        """Return what the page leads to; raises InputError where the parser had to be stopped."""
        answer = await self.sandbox.acall(read_leads, content, url, content_type)
        if isinstance(answer, Killed):
            raise InputError(f"the parser of {url} was stopped: {answer.reason} ({answer.detail})")
        return answer

    async def examine(self, result: FetchResult) -> Examined:
        """Return whether a page is a wall, and what it leads to; a parser that was stopped is one too."""
        if result.purpose not in (Purpose.PAGE, Purpose.API) or not result.exchanges:
            return Examined()
        last = result.exchanges[-1]
        if last.status is None:
            return Examined()
        try:
            answer = await self.sandbox.acall(
                look,
                last.status,
                last.headers,
                result.content,
                result.url,
                result.final_url,
                result.outcome is Outcome.OK,
            )
        except InputError as error:
            return Examined((Outcome.PARSE_KILLED, str(error)))
        if isinstance(answer, Killed):
            return Examined((Outcome.PARSE_KILLED, f"the parser was stopped: {answer.reason}"))
        return Examined(answer.wall, answer.leads, answer.problem)
