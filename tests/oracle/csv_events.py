# SPDX-License-Identifier: Apache-2.0
"""Rows of a CSV file as events by a map of docs/collectors.md, for the oracle: what the maps in deploy/sample need."""
import csv
from fractions import Fraction
from itertools import islice
from pathlib import Path

import yaml

from exact import QUANTITY_PLACES, SECOND, decimal, instant, instant_shown, shown
from oracle import Event, Number


def micros_of(row, rule, begin, shift):
    """The event time of a row; finer than a microsecond is cut off."""
    text = row[rule["column"]]
    if rule["format"] == "offset_s":
        moved = decimal(text) * SECOND
        return begin + moved.numerator // moved.denominator
    if rule["format"] == "yyyy-mm-dd hh:mm:ss":
        return instant(text.replace(" ", "T") + "Z") + shift
    raise NotImplementedError(rule["format"])


def value_of(row, rule):
    """A member of data; None: it is left out."""
    if "value" in rule:
        return rule["value"]
    text = row[rule["column"]] or rule.get("default", "")
    if "scale" in rule:
        return Number(shown(decimal(text) * Fraction(rule["scale"]), QUANTITY_PLACES))
    if rule.get("type") == "number":
        return Number(text)
    return text or None


def data_of(row, rules):
    values = {name: value_of(row, rule) for name, rule in rules.items()}
    return {name: value for name, value in values.items() if value is not None}


def read(path, map_path, begin, rows=None):
    """The events of a file (of its first rows only) whose `from` (or offset 0) is moved to `begin`."""
    rules = yaml.load(Path(map_path).read_text(), Loader=yaml.BaseLoader)
    shift = begin - instant(rules["shift"]["from"]) if "shift" in rules else 0
    with open(path, newline="", encoding="utf-8-sig") as lines:
        for number, row in enumerate(islice(csv.DictReader(lines), rows), 1):
            for place, rule in enumerate(rules["events"]):
                if "when" in rule and not row[rule["when"]["column"]]:
                    continue
                yield Event(rule["subject"], rules["source"], f"{number}-{place}", rule["type"],
                            micros_of(row, rule["time"], begin, shift), data_of(row, rule["data"]))


def begin_words(begin):
    return "--begin", instant_shown(begin)
