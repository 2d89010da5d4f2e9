"""Picture files of all kinds as pixels, the same wherever they are read.

Training's folders, other images for evaluation, a server and the page read files here. One
definition: the way up that Exif data say; what is transparent over white; of 16 bits a colour the
upper 8; CMYK and palettes as RGB; of an animation and of several pages the first. PNG, JPEG, GIF
and BMP are decoded by operations of the graph everywhere, so that a server gives the same bytes;
WebP, TIFF and rare kinds of BMP by Pillow, where files are prepared and on the page. A server
refuses those by name.
"""

from tfp_glow.data.pictures.files import MAX_PIXELS
from tfp_glow.data.pictures.files import PictureError
from tfp_glow.data.pictures.files import read
from tfp_glow.data.pictures.graph import decode_all

__all__ = [
    'MAX_PIXELS', 'MAX_PIXELS_OF_REQUEST', 'MAX_PIXELS_SERVED', 'PictureError', 'decode_all',
    'read',
]

MAX_PIXELS_SERVED = 16_000_000  # Of a file that a server or the page takes from anyone.
MAX_PIXELS_OF_REQUEST = 64_000_000  # Of all files of one request together.
