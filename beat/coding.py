"""Our schedules in RedBeat's JSON, beside the kinds it knows itself."""

import json
from typing import Any

from redbeat.decoder import RedBeatJSONDecoder, RedBeatJSONEncoder

from beat.crontab import Crontab
from beat.due import Aligned


class ScheduleEncoder(RedBeatJSONEncoder):  # type: ignore[misc]
    """Writes `Aligned` and `Crontab` as objects with a `__type__`, as RedBeat does with its own."""

    def default(self, obj: Any) -> Any:
        """The JSON of what json itself does not know."""
        if isinstance(obj, Aligned):
            return {
                "__type__": "aligned",
                "interval_s": obj.interval_s,
                "offset_s": obj.offset_s,
            }
        if isinstance(obj, Crontab):
            return {
                "__type__": "zoned_crontab",
                "expression": obj.expression,
                "timezone": obj.timezone,
            }
        return super().default(obj)


class ScheduleDecoder(RedBeatJSONDecoder):  # type: ignore[misc]
    """Reads what `ScheduleEncoder` wrote."""

    def dict_to_object(self, d: dict[str, Any]) -> Any:
        """The object a JSON object stands for."""
        match d.get("__type__"):
            case "aligned":
                return Aligned(d["interval_s"], d["offset_s"])
            case "zoned_crontab":
                return Crontab(d["expression"], d["timezone"])
            case _:
                return super().dict_to_object(d)


def encode(data: object) -> str:
    """JSON that is the same for the same data."""
    return json.dumps(data, cls=ScheduleEncoder, sort_keys=True)


def decode(text: str) -> Any:
    """What `encode` was given."""
    return json.loads(text, cls=ScheduleDecoder)
