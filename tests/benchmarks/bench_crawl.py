"""What a page costs the crawl, beside a bare pipeline and Scrapy; and a long crawl of many hosts.

All three read the same loopback site in the same run, one after the other, with politeness
off. Ours has its guards, the grant, robots.txt, leases, killable parsers, synced gzip WARC, custody and
database on; the bare pipeline fetches, finds links and writes gzip WARC; Scrapy fetches and finds links, and
archives nothing. Scrapy is run by the interpreter that ``CLONEDETECT_SCRAPY_PYTHON``
names (``python -m venv V; V/bin/pip install scrapy``), and left out where none is named.
``CLONEDETECT_BENCH_PAGES`` and ``CLONEDETECT_BENCH_URLS`` ask for other sizes,
``CLONEDETECT_BENCH_CASES`` for another folder of cases (ext4 makes new files slowly for half a minute after
many were removed).
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import textwrap
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from selectolax.lexbor import LexborHTMLParser

sys.path.insert(0, str(Path(__file__).parent))
from datetime import UTC, datetime

import made_site
from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.record import warc_date
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.crawl.crawler import Crawler, CrawlLimits, Hooks
from clonedetect.crawl.events import CaptureEvent
from clonedetect.crawl.fetch import Fetcher
from clonedetect.crawl.frontier import Frontier
from clonedetect.crawl.pace import PaceLimits
from clonedetect.crawl.recorder import Recorder
from clonedetect.crawl.robots import RobotsRules
from clonedetect.extract.sandbox import Sandbox
from clonedetect.grant.file import read_grant
from clonedetect.jobs.crawling import permits
from clonedetect.jobs.reading import SandboxReader
from clonedetect.models.capture import Outcome

pytestmark = pytest.mark.benchmark

PAGES = int(os.environ.get("CLONEDETECT_BENCH_PAGES", "6000"))
URLS = int(os.environ.get("CLONEDETECT_BENCH_URLS", "50000"))
HOSTS = 200
DELAY_S = 0.1
SCRAPY = os.environ.get("CLONEDETECT_SCRAPY_PYTHON", "")
CASES = os.environ.get("CLONEDETECT_BENCH_CASES")

SPIDER = """
import sys, time
import scrapy
from scrapy.crawler import CrawlerProcess

class Spider(scrapy.Spider):
    name = "bench"
    start_urls = [sys.argv[1]]
    pages = 0
    custom_settings = dict(LOG_LEVEL="ERROR", CONCURRENT_REQUESTS=16, CONCURRENT_REQUESTS_PER_DOMAIN=16,
        DOWNLOAD_DELAY=0, AUTOTHROTTLE_ENABLED=False, ROBOTSTXT_OBEY=True, TELNETCONSOLE_ENABLED=False,
        COOKIES_ENABLED=False, RETRY_ENABLED=False)

    def parse(self, response):
        Spider.pages += 1
        for href in response.css("a::attr(href)").getall():
            yield response.follow(href, callback=self.parse)

start, cpu = time.perf_counter(), time.process_time()
process = CrawlerProcess()
process.crawl(Spider)
process.start()
print(Spider.pages, time.perf_counter() - start, time.process_time() - cpu)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Pages, seconds by the clock, and seconds of processor: of this process, and of its workers."""

    pages: int
    seconds: float
    own_s: float
    workers_s: float = 0.0

    @property
    def cpu_ms(self) -> float:
        return 1000 * (self.own_s + self.workers_s) / self.pages

    @property
    def rate(self) -> float:
        return self.pages / self.seconds


def grant_for(folder: Path, ports: list[int], *, delay_s: float, per_host: int):
    text = f"""
        [grant]
        id = "bench"
        case = "BENCH"
        approved_by = "A. Counsel"
        legal_basis = "a benchmark"
        valid_from = 2026-01-01T00:00:00Z
        valid_to = 2099-01-01T00:00:00Z
        contact = "trust@example.org"
        [[grant.hosts]]
        host = "127.0.0.1"
        role = "page"
        ports = {ports}
        [grant.limits]
        max_pages = 1000000
        max_bytes = 1000000000000
        max_depth = 100
        min_delay_s = {delay_s}
        per_host = {per_host}
        [grant.development]
        allow_loopback = true
        """
    path = folder / "grant.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return read_grant(path).grant


async def crawl(folder: Path, grant, seeds: list[str], pace: PaceLimits, *, on_event, workers: int = 2):
    """Crawl as `scan --crawl-only` does; return the summary and its cost without the start of workers."""
    now = datetime.now(UTC)
    with (
        CaseStore.create(folder, "BENCH", custody=CustodyLog.open, now=now, actor="bench") as store,
        Sandbox(workers) as sandbox,
    ):
        archive = WarcArchive.open(folder, "BENCH", known={}, custody=store.custody, now=now)
        reader = SandboxReader(sandbox)
        # Workers start when they are first needed; a run pays that once, not with every page.
        await asyncio.gather(*(reader.read(b"<p>", seeds[0], "text/html") for _ in range(workers)))
        async with Fetcher(operator="bench", contact="trust@example.org") as fetcher:
            hooks = Hooks(
                fetch=fetcher.fetch,
                permit_for=permits(grant),
                read_page=reader.read,
                examine=reader.examine,
                robots_rules=RobotsRules.of_result,
                on_event=on_event,
            )
            limits = CrawlLimits(
                max_pages=10**6, max_bytes=10**12, max_depth=100, pages_per_host=10**6, disk_floor_bytes=0
            )
            recorder = Recorder(store, archive, Frontier(store.database), actor="bench")
            crawler = Crawler(recorder, hooks, grant_id=grant.grant_id, limits=limits, pace=pace)
            start, cpu, before = time.perf_counter(), time.process_time(), workers_s(sandbox)
            summary = await crawler.run(seeds, asyncio.Event())
            return summary, Cost(
                summary.captures,
                time.perf_counter() - start,
                time.process_time() - cpu,
                workers_s(sandbox) - before,
            )


def workers_s(sandbox: Sandbox) -> float:
    """Return the processor time of the workers so far."""
    ticks = 0
    for pid in sandbox.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def bare(seed: str, archive: Path) -> Cost:
    """Fetch, find links, write gzip WARC; nothing else."""
    start, cpu = time.perf_counter(), time.process_time()
    seen, waiting, pages = {seed}, [seed], 0
    with archive.open("wb") as out:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=16)
        ) as session:

            async def one(url: str) -> None:
                nonlocal pages
                async with session.get(url) as response:
                    body = await response.read()
                fields = ("WARC/1.1", "WARC-Type: response", f"WARC-Target-URI: {url}")
                fields += (f"WARC-Date: {warc_date(datetime.now(UTC))}", f"Content-Length: {len(body)}")
                head = "\r\n".join((*fields, "", ""))
                packer = zlib.compressobj(6, zlib.DEFLATED, 31)
                packed = packer.compress(head.encode() + body + b"\r\n\r\n")
                out.write(packed + packer.flush())
                pages += 1
                for node in LexborHTMLParser(body).css("a[href]"):
                    link = f"{seed.partition('/p/')[0]}{node.attributes['href']}"
                    if link not in seen:
                        seen.add(link)
                        waiting.append(link)

            under_way: set[asyncio.Task[None]] = set()
            while waiting or under_way:
                while waiting and len(under_way) < 16:
                    under_way.add(asyncio.create_task(one(waiting.pop())))
                _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    return Cost(pages, time.perf_counter() - start, time.process_time() - cpu)


def scrapy(seed: str, folder: Path) -> Cost | None:
    if not SCRAPY:
        return None
    spider = folder / "spider.py"  # Scrapy reads the source of its callbacks
    spider.write_text(SPIDER, encoding="utf-8")
    told = subprocess.run(
        [SCRAPY, str(spider), seed], check=True, capture_output=True, text=True
    ).stdout.split()
    return Cost(int(told[0]), float(told[1]), float(told[2]))


def test_what_a_page_costs(tmp_path, record):
    folder = Path(CASES) if CASES else tmp_path
    with made_site.serving(1, PAGES) as site:
        seed = f"http://127.0.0.1:{site.ports[0]}/p/0/"
        grant = grant_for(tmp_path, site.ports, delay_s=0.0, per_host=16)
        pace = PaceLimits(min_delay_s=0, per_host=16, longest_adaptive_s=0)
        summary, ours = asyncio.run(crawl(folder / "case", grant, [seed], pace, on_event=lambda _: None))
        assert summary.outcomes == ((Outcome.OK, PAGES + 1),)
        plain = asyncio.run(bare(seed, tmp_path / "bare.warc.gz"))
        other = scrapy(seed, tmp_path)
    assert plain.pages == PAGES
    assert other is None or other.pages in (PAGES, PAGES + 1)  # it asks for the first page twice
    rows = [("ours", ours), ("bare pipeline", plain), *([("Scrapy", other)] if other else [])]
    for name, cost in rows:
        print(f"{name}: {cost.cpu_ms:.2f} ms of processor a page, {cost.rate:.0f} pages/s")
        record(
            "Crawl", f"{name}, processor time a page", cost.cpu_ms, "ms", "<= 1.2" if cost is ours else None
        )
        record("Crawl", f"{name}, pages a second", cost.rate, "")
    own, workers = (1000 * part / ours.pages for part in (ours.own_s, ours.workers_s))
    print(f"of ours in this process {own:.2f} ms, in workers {workers:.2f} ms")
    record("Crawl", "ours, in the crawling process", own, "ms")
    record("Crawl", "ours, in the workers", workers, "ms")
    if other:
        print(f"pages a second, ours to Scrapy: {ours.rate / other.rate:.2f}")
        record("Crawl", "pages a second, ours to Scrapy", ours.rate / other.rate, "times", ">= 3")


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def test_a_long_crawl_of_many_hosts(tmp_path, record):
    folder = Path(CASES) if CASES else tmp_path
    sizes: list[float] = []
    captures = 0

    def on_event(event) -> None:
        nonlocal captures
        if isinstance(event, CaptureEvent):
            captures += 1
            if captures % 1000 == 0:
                sizes.append(resident_mb())

    per_host = URLS // HOSTS
    with made_site.serving(HOSTS, per_host) as site:
        seeds = [f"http://127.0.0.1:{port}/p/0/" for port in site.ports]
        grant = grant_for(tmp_path, site.ports, delay_s=DELAY_S, per_host=1)
        pace = PaceLimits(min_delay_s=DELAY_S, per_host=1)
        summary, cost = asyncio.run(crawl(folder / "long", grant, seeds, pace, on_event=on_event))
        site.close()
    assert summary.captures == HOSTS * per_host + HOSTS
    assert all(port["requests"] == per_host + 1 for port in site.told)
    assert max(port["most"] for port in site.told) == 1
    closest = min(port["closest_s"] for port in site.told)
    print(f"{summary.captures} captures in {cost.seconds:.0f} s, {cost.cpu_ms:.2f} ms of processor each")
    print(f"closest two requests to one host: {closest:.3f} s of {DELAY_S} s")
    early, late = sizes[4], sizes[-1]
    print(f"resident after 5,000: {early:.0f} MB, after {len(sizes)},000: {late:.0f}, most {max(sizes):.0f}")
    assert closest > 0.9 * DELAY_S
    assert late < early + 20
    record("Crawl", "captures of 200 hosts", summary.captures, "")
    record("Crawl", "processor time a capture, 200 hosts", cost.cpu_ms, "ms")
    record("Crawl", "closest two requests to one host, as its server saw them", 1000 * closest, "ms")
    record("Crawl", "resident after 5,000 captures", early, "MB")
    record("Crawl", f"resident after {len(sizes)},000 captures", late, "MB")
