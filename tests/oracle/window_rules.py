# SPDX-License-Identifier: Apache-2.0
"""The hours at which a price holds (`when`), as docs/pricing.md has them: every quarter of an hour by what the clocks of
the zone show at its first instant."""
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from exact import EPOCH

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
QUARTER = 900 * 1_000_000


@dataclass(frozen=True)
class Window:
    zone: str
    days: tuple   # of the week; empty: dates
    dates: tuple
    begin: int    # minutes of the day
    end: int      # at or before begin: of the next day

    @classmethod
    def read(cls, when):
        if not when:
            return None
        minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (when.get("from", "00:00"), when.get("to", "24:00"))]
        dates = tuple(sorted(map(date.fromisoformat, when.get("dates", ()))))
        days = () if dates else tuple(day for day in DAYS if day in when.get("days", DAYS))
        return cls(when["zone"], days, dates, minutes[0], minutes[1] or 1440)

    @property
    def rank(self):
        return 2 if self.dates else 1

    @property
    def text(self):
        days = "daily" if self.days == DAYS else ",".join((*self.days, *map(str, self.dates)))
        return f"{self.zone} {days} " + "-".join(f"{each // 60:02}:{each % 60:02}" for each in (self.begin, self.end))

    def holds(self, at):
        local = (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(self.zone))
        minute, today = local.hour * 60 + local.minute, local.date()
        if self.begin < self.end:
            return self.begin <= minute < self.end and self._begins(today)
        return (minute >= self.begin and self._begins(today) or
                minute < self.end and self._begins(today - timedelta(days=1)))

    def _begins(self, day):
        return day in self.dates if self.dates else DAYS[day.weekday()] in self.days

    @lru_cache(maxsize=None)
    def changes(self, start, end):
        """Instants inside (start, end) at which it begins or ends."""
        return tuple(at for at in range(start - start % QUARTER + QUARTER, end, QUARTER)
                     if at > start and self.holds(at) != self.holds(at - QUARTER))
