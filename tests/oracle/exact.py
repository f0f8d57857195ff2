# SPDX-License-Identifier: Apache-2.0
"""Exact numbers, instants and months for the oracle: fractions and integers only, never a float.

Quantities have 9 places, amounts and unit prices 12; an instant is a whole number of microseconds since 1970 (UTC).
"""
import calendar
import re
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

QUANTITY_PLACES = 9
AMOUNT_PLACES = 12
SECOND = 1_000_000
DAY = 86_400 * SECOND
SLOT = 900 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# ISO 4217 minor units other than two
MINOR_PLACES = dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
MINOR_PLACES.update(dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3), CLF=4, UYW=4)


class NotExact(ValueError):
    """A text that is no exact number within its limits."""


def decimal(text, places=None):
    """A decimal text (a JSON number's, exponent allowed) as a fraction, with at most `places` fraction digits."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", text):
        raise NotExact(f"no decimal: {text}")
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > 30:
        raise NotExact(f"exponent beyond 30: {text}")
    value = Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
    if places is not None and (value * 10**places).denominator != 1:
        raise NotExact(f"more than {places} fraction digits: {text}")
    return value


def rounded(value, places, mode="half_up"):
    """The multiple of 10**-places, which may be negative; half_up and up go away from zero, down goes towards it;
    half_up_nonzero is half_up, but nothing that is not zero becomes zero."""
    scaled = abs(Fraction(value)) * Fraction(10)**places
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    more = {"half_up_nonzero": twice >= scaled.denominator or (whole == 0 and rest > 0), "half_up": twice >= scaled.denominator, "down": False, "up": rest > 0,
            "half_even": twice > scaled.denominator or (twice == scaled.denominator and whole % 2 == 1)}[mode]
    result = (whole + more) / Fraction(10)**places
    return -result if value < 0 else result


def shown(value, places=None):
    """The shortest exact decimal text, or the one with exactly so many places."""
    value = Fraction(value)
    most = 30 if places is None else places
    scaled = value * 10**most
    if scaled.denominator != 1:
        raise NotExact(f"{value} has more than {most} places")
    digits = str(abs(scaled.numerator)).rjust(most + 1, "0")
    whole, part = digits[:len(digits) - most], digits[len(digits) - most:]
    if places is None:
        part = part.rstrip("0")
    return ("-" if scaled < 0 else "") + whole + ("." + part if part else "")


def minor_places(currency):
    return MINOR_PLACES.get(currency, 2)


def allocated(total, weights, places):
    """`total`, a multiple of 10**-places, in proportion to weights: largest remainder, ties to the earlier one."""
    unit, all_weights = Fraction(1, 10**places), sum(weights)
    ideal = [abs(total) * weight / all_weights / unit for weight in weights]
    parts = [part.numerator // part.denominator for part in ideal]
    order = sorted(range(len(weights)), key=lambda i: (parts[i] - ideal[i], i))
    for i in order[:int(abs(total) / unit) - sum(parts)]:
        parts[i] += 1
    return [part * unit * (-1 if total < 0 else 1) for part in parts]


# --- instants

def instant(text):
    """RFC 3339, any offset; digits finer than a microsecond are cut off."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d))?", text)
    if not match:
        raise NotExact(f"no instant: {text}")
    date, clock, fraction, offset = match.groups()
    moment = datetime.fromisoformat(f"{date}T{clock or '00:00:00'}{'+00:00' if offset in (None, 'Z', 'z') else offset}")
    return micros(moment) + int((fraction or "0").ljust(6, "0")[:6])


def micros(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant_shown(value):
    moment = EPOCH + timedelta(microseconds=value)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06d}" if moment.microsecond else "") + "Z"


def month(zone, label):
    """[start, end) of the civil month "2026-10" in an IANA zone."""
    year, number = int(label[:4]), int(label[5:])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    place = ZoneInfo(zone)
    return tuple(micros(datetime(y, m, 1, tzinfo=place).astimezone(timezone.utc)) for y,
                 m in ((year, number), following))


def month_label(zone, value):
    """The month that contains an instant."""
    local = (EPOCH + timedelta(microseconds=value)).astimezone(ZoneInfo(zone))
    for year, number in ((local.year, local.month), (local.year - (local.month == 1), (local.month - 2) % 12 + 1),
                         (local.year + (local.month == 12), local.month % 12 + 1)):
        label = f"{year:04d}-{number:02d}"
        start, end = month(zone, label)
        if start <= value < end:
            return label
    raise AssertionError("an instant outside of the months around it")


def next_label(label):
    year, number = int(label[:4]), int(label[5:])
    return f"{year + (number == 12):04d}-{number % 12 + 1:02d}"


def previous_label(label):
    year, number = int(label[:4]), int(label[5:])
    return f"{year - (number == 1):04d}-{(number - 2) % 12 + 1:02d}"


def days_of(label):
    return calendar.monthrange(int(label[:4]), int(label[5:]))[1]


def midnight(zone, day):
    """The first instant of a civil day."""
    return micros(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(timezone.utc))


def civil_day(zone, value):
    return (EPOCH + timedelta(microseconds=value)).astimezone(ZoneInfo(zone)).date()
