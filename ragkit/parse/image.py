"""Pictures of text: PNG, JPEG, TIFF with its pages, GIF, BMP and WebP, by recognition.

A picture is measured before it is unpacked: a few bytes may claim ten thousand million points.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.ocr import MAX_PIXELS, open_reader
from ragkit.parse.problems import problem
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS: Final = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")
_MAX_UNPACKED: Final = 120_000_000
"""Points of a picture before it is made smaller; a memory of a gigabyte holds so many in four colours."""
_MIN_SIDE: Final = 24
"""Points. A smaller picture is a bullet or a rule."""
_MIN_NESTED: Final = 64_000
"""Points of a picture within a message or archive. A smaller one is a logo, and every message has some."""
_SMALL: Final = 1_600
"""Points of width below which letters of a screen are enlarged: Tesseract is trained on letters of 30 points."""


def parse(part: Part, out: BlockWriter) -> None:
    """Read a picture, each page of it that has text."""
    with open_reader(part) as reader:
        from PIL import Image, UnidentifiedImageError

        Image.MAX_IMAGE_PIXELS = _MAX_UNPACKED
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                image = Image.open(io.BytesIO(part.content), formats=_FORMATS)
                pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
                for number in range(1, pages + 1):
                    if not reader.may_read(number):
                        continue
                    image.seek(number - 1)
                    points = image.width * image.height
                    if min(image.size) < _MIN_SIDE or (part.depth and points < _MIN_NESTED):
                        continue
                    if points > _MAX_UNPACKED:
                        raise problem("image-too-large")
                    reading = reader.read(_prepared(image), number)
                    for paragraph in reading.paragraphs:
                        out.add(BlockKind.PARAGRAPH, paragraph, page=number if pages > 1 else None)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise problem("image-too-large") from None
        except (UnidentifiedImageError, OSError, EOFError, SyntaxError, ValueError):
            raise problem("malformed") from None
        reader.tell(out)


def _prepared(image: Image) -> Image:
    """Upright, black on white, in grey, and of a size that recognition is good at."""
    import PIL.Image
    from PIL import ImageOps

    image.draft("L", (_SMALL * 2, _SMALL * 2))  # a JPEG is unpacked no larger than needed
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        shown = upright.convert("RGBA")
        upright = PIL.Image.alpha_composite(PIL.Image.new("RGBA", shown.size, "white"), shown)
    grey = upright.convert("L")
    scale = 2.0 if grey.width < _SMALL else 1.0
    scale = min(scale, (MAX_PIXELS / (grey.width * grey.height)) ** 0.5)
    if scale == 1.0:
        return grey
    size = max(1, round(grey.width * scale)), max(1, round(grey.height * scale))
    return grey.resize(size, PIL.Image.Resampling.LANCZOS)
