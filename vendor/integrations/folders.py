"""The folders of a person, as the layout in force has them."""

from collections.abc import Mapping

from vendor.client.answers import Reader
from vendor.client.calls import Call


def homes(principal: str) -> Call[Mapping[str, str]]:
    """Return somebody's homes by kind, as S3A addresses: `general` and `sql`, in the layout as shipped."""

    def read(value: object) -> Mapping[str, str]:
        kinds = Reader(value).object("homes")
        found = {name: kinds.object(name) for name in kinds.raw}
        return {
            name: f"s3a://{home.text('bucket')}/{home.text('path').replace('{user}', principal)}"
            for name, home in found.items()
        }

    return Call("GET", "/v1/layout", read)
