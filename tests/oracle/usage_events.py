# SPDX-License-Identifier: Apache-2.0
"""Events as CloudEvents 1.0 JSON objects, and what counting them leaves: the oracle's own reading of the event form.

An event has one verdict for all its meters: counted, duplicate, conflict, or the reason why it is quarantined. Slots
are kept at the meter's grain; transitions of interval meters as they came."""
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

from exact import NotExact, QUANTITY_PLACES, decimal, instant, shown

QUANTITY_MOST = 10**15
DIMENSION_BYTES_MAX = 256


class Number(str):
    """A JSON number by its text."""


@dataclass(frozen=True)
class Event:
    tenant: str
    source: str
    id: str
    type: str
    time: int
    data: dict
    corrects: object = None

    @property
    def identity(self):
        return self.tenant, self.source, self.id

    @property
    def content(self):
        """What must be equal for a repetition to be a duplicate."""
        return self.type, self.time, canonical(self.corrects), canonical(self.data)


class Malformed(ValueError):
    """No CloudEvents 1.0 usage event."""


def no_twins(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("a member is there twice")
    return members


def read_event(text):
    """An event from its JSON text."""
    try:
        row = json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=no_twins)
        if not isinstance(row, dict) or row.get("specversion") != "1.0":
            raise Malformed("no CloudEvents 1.0 object")
        names = [row[name] for name in ("subject", "source", "id", "type")]
        if not all(isinstance(name, str) and name and not isinstance(name, Number) for name in names):
            raise Malformed("an attribute is no text")
        if not isinstance(row.get("data"), dict):
            raise Malformed("data is no object")
        tenant, source, identity, kind = names
        return Event(tenant, source, identity, kind, instant(row["time"]), row["data"], row.get("corrects"))
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(str(error)) from None


def canonical(value):
    """JSON values that mean the same are equal: order of members and spelling of numbers do not count."""
    if isinstance(value, Number):
        return "number", Fraction(str(value))
    if isinstance(value, dict):
        return "object", tuple(sorted((name, canonical(member)) for name, member in value.items()))
    if isinstance(value, list):
        return "list", tuple(map(canonical, value))
    return type(value).__name__, value


class Refused(ValueError):
    """Why an event cannot be counted: the word that quarantine shows."""


def quantity_of(data, name):
    value = data.get(name)
    if not isinstance(value, str):
        raise Refused("bad_value")
    try:
        quantity = decimal(str(value), QUANTITY_PLACES)
    except NotExact:
        raise Refused("bad_value") from None
    if abs(quantity) > QUANTITY_MOST:
        raise Refused("bad_value")
    if quantity < 0:
        raise Refused("negative")
    return quantity


def worth_of(meter, data):
    """What an event counts: its value, or what the meter makes of it."""
    value = quantity_of(data, meter.value)
    try:
        value = meter.worth(value, quantity_of(data, meter.times) if meter.times else Fraction(1))
    except NotExact:
        raise Refused("bad_value") from None
    if value > QUANTITY_MOST:
        raise Refused("bad_value")
    return value


def dimension_value(value):
    if isinstance(value, Number):
        value = shown(decimal(str(value)))
    elif isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str) or len(value.encode()) > DIMENSION_BYTES_MAX or any(ord(each) < 32 for each in value):
        raise Refused("bad_value")
    return str(value)


def dimensions_of(meter, data):
    """Sorted (name, value) pairs; what the event lacks is left out."""
    return tuple((name, dimension_value(data[name])) for name in meter.dimensions if data.get(name) is not None)


@dataclass(frozen=True)
class Transition:
    """A change of a resource's state."""
    time: int
    order: tuple  # identity; decides between running states of one instant
    running: bool
    value: Fraction
    dimensions: tuple


class Counted:
    """Events counted once, by the catalogue."""

    def __init__(self, catalogue):
        self.catalogue = catalogue
        self.contents = {}                                       # of counted events, by identity
        self.verdicts = Counter()
        self.added = defaultdict(lambda: defaultdict(Fraction))  # (tenant, meter, dimensions) -> slot -> sum
        self.greatest = defaultdict(dict)                        # the same -> slot -> value
        self.latest = defaultdict(dict)                          # the same -> slot -> (time, identity, value)
        self.kept = defaultdict(lambda: defaultdict(list))       # the same as added -> slot -> (time, identity, value)
        self.least = defaultdict(dict)                           # the same -> slot -> value
        self.samples = defaultdict(lambda: defaultdict(list))    # the same -> slot -> values of an average, or what is told apart
        self.transitions = defaultdict(list)                     # (tenant, meter, resource) -> transitions

    def take(self, event, received=None):
        """Counts an event in log order; its verdict. Without `received` no accept window is looked at."""
        verdict = self._judge(event, received)
        self.verdicts[verdict] += 1
        return verdict

    def take_text(self, text, received=None):
        try:
            return self.take(read_event(text), received)
        except Malformed:
            self.verdicts["malformed"] += 1
            return "malformed"

    def _judge(self, event, received):
        try:
            readings = [(meter, self._read(meter, event)) for meter in self._meters(event, received)]
        except Refused as reason:
            return str(reason)
        if event.identity in self.contents:
            return "duplicate" if self.contents[event.identity] == event.content else "conflict"
        self.contents[event.identity] = event.content
        for meter, reading in readings:
            self._count(meter, event, *reading)
        return "counted"

    def _meters(self, event, received):
        if event.corrects is not None:
            raise Refused("corrects")
        if event.tenant not in self.catalogue.members:
            raise Refused("unknown_tenant")
        meters = self.catalogue.meters_at(event.type, event.time)
        if not meters:
            raise Refused("unknown_type")
        if received is not None and event.time < received - max(meter.accept for meter in meters):
            raise Refused("late")
        if received is not None and event.time > received + max(meter.future for meter in meters):
            raise Refused("future")
        return meters

    @staticmethod
    def _read(meter, event):
        """(dimensions, value, resource, running) of an event under a meter."""
        dimensions, value, resource, running = dimensions_of(meter, event.data), Fraction(1), None, None
        if meter.aggregation == "interval":
            resource, state = event.data.get(meter.resource), event.data.get(meter.state)
            if not isinstance(resource, str) or not resource or state not in meter.running + meter.stopped:
                raise Refused("bad_value")
            running = state in meter.running
            if not running:
                value = Fraction(0)
            elif meter.value:
                value = quantity_of(event.data, meter.value)
        elif meter.aggregation == "unique":
            value = event.data[meter.value]
        elif meter.aggregation != "count":
            value = worth_of(meter, event.data)
        return dimensions, value, resource, running

    def _count(self, meter, event, dimensions, value, resource, running):
        key, slot = (event.tenant, meter.id, dimensions), event.time - event.time % meter.slot
        if meter.aggregation == "interval":
            self.transitions[event.tenant, meter.id, str(resource)].append(
                Transition(event.time, event.identity, running, value, dimensions))
        elif meter.aggregation == "max":
            self.greatest[key][slot] = max(value, self.greatest[key].get(slot, value))
        elif meter.aggregation == "min":
            self.least[key][slot] = min(value, self.least[key].get(slot, value))
        elif meter.aggregation in ("average", "unique"):
            self.samples[key][slot].append(value)
        elif meter.aggregation == "latest":
            entry = (event.time, event.identity, value)
            self.latest[key][slot] = max(entry, self.latest[key].get(slot, entry))
        else:
            self.added[key][slot] += value
            if meter.keeps:
                self.kept[key][slot].append((event.time, event.identity, value))
