"""Picture files of every kind, with the pixels that they show.

Made by Pillow, and byte by byte where Pillow writes no such file. The pixels are worked out with
Pillow and numpy, not with the code under test.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image
from PIL import ImageOps

_RANDOM = np.random.RandomState(0)
HEIGHT, WIDTH = 19, 26  # Of most of them.
COLOURS = _RANDOM.randint(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
OPACITY = _RANDOM.randint(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
SMOOTH = np.asarray(Image.fromarray(COLOURS[:6, :8]).resize((WIDTH, HEIGHT), Image.BICUBIC))


def encode(picture, kind, **options):
  """The bytes of a Pillow picture or uint8 array as a file."""
  buffer = io.BytesIO()
  picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
  picture.save(buffer, kind, **options)
  return buffer.getvalue()


def over_white(pixels):
  """uint8 [H, W, 4] over white, in float64."""
  opacity = pixels[..., 3:] / 255.
  return np.uint8(np.floor(pixels[..., :3] * opacity + 255 * (1 - opacity) + .5 + 1e-9))


def shown(file):
  """The first frame as Pillow shows it over white, uint8 [H, W, 3]."""
  picture = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
  return over_white(np.asarray(picture.convert('RGBA')))


def png(rows, bits, colour_type, chunks=(), size=None):
  """A PNG file.

  Args:
    rows: uint8 arrays, the bytes of each row.
    bits, colour_type: as its header has them.
    chunks: (type, bytes) of what stands before the pixels.
    size: width and height of an interlaced picture; by default it is none.
  """
  channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
  width, height = size or (rows[0].size * 8 // bits // channels, len(rows))
  header = struct.pack('>IIBBBBB', width, height, bits, colour_type, 0, 0, size is not None)
  data = zlib.compress(b''.join(b'\0' + row.tobytes() for row in rows))
  chunks = [(b'IHDR', header), *chunks, (b'IDAT', data), (b'IEND', b'')]
  return b'\x89PNG\r\n\x1a\n' + b''.join(
      struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))
      for name, body in chunks)


def bmp(pixel_rows, bits, palette=b'', compression=0, header=40, masks=b'', top_down=False):
  """A BMP file of rows of bytes, the highest first."""
  height, width = len(pixel_rows), len(pixel_rows[0].tobytes()) * 8 // bits
  rows = [row.tobytes() + b'\0' * (-len(row.tobytes()) % 4) for row in pixel_rows]
  data = b''.join(rows if top_down else rows[::-1])
  if header == 12:
    info = struct.pack('<IHHHH', 12, width, height, 1, bits)
  else:
    info = struct.pack('<IiiHHIIiiII', header, width, -height if top_down else height, 1, bits,
                       compression, len(data), 0, 0, len(palette) // 4, 0)
    info += masks.ljust(header - 40, b'\0') if header > 40 else masks
  start = 14 + len(info) + len(palette)
  return b'BM' + struct.pack('<IHHI', start + len(data), 0, 0, start) + info + palette + data


def _exif(orientation, big=False):
  order = '>' if big else '<'
  return b'Exif\0\0' + (b'MM\0*' if big else b'II*\0') + struct.pack(order + 'I', 8) + (
      struct.pack(order + 'H', 2) + struct.pack(order + 'HHII', 0x0100, 4, 1, 7) +
      struct.pack(order + 'HHIHH', 0x0112, 3, 1, orientation, 0) + b'\0\0\0\0')


def _packed(indices, bits):
  """Indices [H, W] packed into rows of bytes."""
  planes = [(indices >> (bits - 1 - k)) & 1 for k in range(bits)]
  flat = np.stack(planes, -1).reshape(len(indices), -1).astype(np.uint8)
  return np.packbits(flat, axis=1)


def _pngs():
  grey = COLOURS[..., 0]
  rgb = Image.fromarray(COLOURS)
  for mode in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA'):
    file = encode(rgb.convert(mode), 'PNG')
    yield f'{mode}.png', file, shown(file)
  rgba = np.concatenate([COLOURS, OPACITY[..., None]], -1)
  yield 'transparent.png', encode(rgba, 'PNG'), over_white(rgba)
  la = np.stack([grey, OPACITY], -1)
  yield 'transparent grey.png', encode(Image.fromarray(la), 'PNG'), over_white(
      np.stack([grey, grey, grey, OPACITY], -1))
  palette = rgb.convert('P', palette=Image.ADAPTIVE, colors=16)
  for name, transparency in (('colour', 3), ('palette', bytes(range(0, 160, 10)))):
    file = encode(palette, 'PNG', transparency=transparency)
    yield f'transparent {name} of a palette.png', file, shown(file)
  file = encode(rgb, 'PNG', transparency=tuple(int(value) for value in COLOURS[3, 4]))
  yield 'transparent colour.png', file, shown(file)
  file = png(COLOURS.reshape(HEIGHT, -1), 8, 2)
  yield 'by hand.png', file, COLOURS

  for bits in (1, 2, 4):
    levels = (grey[:, :24] >> (8 - bits)).astype(int)
    pixels = np.uint8(levels * (255 // (2**bits - 1)))
    file = png(_packed(levels, bits), bits, 0)
    yield f'{bits} bits.png', file, np.repeat(pixels[..., None], 3, -1)
    clear = np.where(levels == 1, 255, pixels).astype(np.uint8)
    file = png(_packed(levels, bits), bits, 0, [(b'tRNS', struct.pack('>H', 1))])
    yield f'{bits} bits, one transparent.png', file, np.repeat(clear[..., None], 3, -1)
  wide = _RANDOM.randint(0, 65536, (HEIGHT, WIDTH, 4)).astype('>u2')
  as_rows = lambda x: np.frombuffer(x.tobytes(), np.uint8).reshape(HEIGHT, -1)
  upper = (wide >> 8).astype(np.uint8)
  yield '16 bits.png', png(as_rows(wide[..., 0]), 16, 0), np.repeat(upper[..., :1], 3, -1)
  yield '16 bits colour.png', png(as_rows(wide[..., :3]), 16, 2), upper[..., :3]
  yield '16 bits transparent.png', png(as_rows(wide), 16, 6), over_white(upper)

  for orientation in range(1, 9):
    file = encode(rgb, 'PNG', exif=_exif(orientation, big=True)[6:])
    yield f'turned {orientation}.png', file, shown(file)
  passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
            (0, 1, 1, 2)]  # First column, first row, steps, of Adam7.
  rows = [row for x, y, dx, dy in passes for row in COLOURS[y::dy, x::dx]]
  yield 'interlaced.png', png(rows, 8, 2, size=(WIDTH, HEIGHT)), COLOURS


def _jpegs():
  for name, pixels in (('noise', COLOURS), ('smooth', SMOOTH)):
    for subsampling in (0, 1, 2):
      for progressive in (False, True):
        file = encode(pixels, 'JPEG', quality=80, subsampling=subsampling, progressive=progressive)
        yield f'{name} {subsampling} {progressive}.jpg', file, shown(file)
  file = encode(COLOURS[..., 0], 'JPEG', quality=90)
  yield 'grey.jpg', file, shown(file)
  file = encode(Image.fromarray(SMOOTH).convert('CMYK'), 'JPEG', quality=90)
  yield 'cmyk.jpg', file, shown(file)
  for orientation in range(1, 9):
    file = encode(SMOOTH, 'JPEG', quality=90, exif=_exif(orientation, big=orientation % 2 == 0))
    yield f'turned {orientation}.jpg', file, shown(file)
  plain = encode(SMOOTH, 'JPEG', quality=90)
  padded = plain[:2] + b'\xff\xfe\0\x06none\xff\xff\xff\xe1' + (
      struct.pack('>H', 2 + len(_exif(6))) + _exif(6)) + plain[2:]
  yield 'turned, after a comment.jpg', padded, shown(plain).transpose(1, 0, 2)[:, ::-1]
  yield 'with a tail.jpg', plain + b'\0' * 99, shown(plain)


def _gifs():
  palettes = [Image.fromarray(x).convert('P', palette=Image.ADAPTIVE) for x in (COLOURS, SMOOTH)]
  for name, options in (('plain', {}), ('interlaced', dict(interlace=True)),
                        ('transparent', dict(transparency=5)),
                        ('commented', dict(comment=b'x' * 700))):
    file = encode(palettes[0], 'GIF', **options)
    yield f'{name}.gif', file, shown(file)
  file = encode(palettes[0], 'GIF', save_all=True, append_images=palettes[1:], duration=40, loop=0)
  yield 'animated.gif', file, shown(file)
  # A frame of 3 x 2 at (2, 1) on a screen of 6 x 5, colour 1 of its own palette transparent.
  frame = encode(Image.fromarray(np.array([[0, 1, 2], [2, 1, 0]], np.uint8), 'L'), 'GIF')
  data = frame[frame.index(b',') + 10:-1]
  table = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
  expected = np.full([5, 6, 3], 255, np.uint8)
  for corner, screen, cut in (((2, 1), (6, 5), expected), ((2, 1), (1, 1), expected[:3, :5])):
    file = (b'GIF89a' + struct.pack('<HH', *screen) + b'\0\0\0' + b'!\xf9\4\1\0\0\1\0' + b',' +
            struct.pack('<HHHH', *corner, 3, 2) + b'\x81' + table + data + b';')
    shows = cut.copy()
    shows[1:3, 2:5] = [[[255, 0, 0], [255] * 3, [0, 0, 255]], [[0, 0, 255], [255] * 3, [255, 0, 0]]]
    yield f'frame on a screen of {screen}.gif', file, shows


def _bmps():
  rgb = Image.fromarray(COLOURS)
  for mode in ('1', 'L', 'P', 'RGB'):
    file = encode(rgb.convert(mode), 'BMP')
    yield f'{mode}.bmp', file, shown(file)
  table = _RANDOM.randint(0, 256, (256, 3)).astype(np.uint8)
  for bits in (1, 4, 8):
    levels = (COLOURS[:, :24, 0] >> (8 - bits)).astype(int)
    colours = table[:2**bits]
    entries = b''.join(bytes([b, g, r, 0]) for r, g, b in colours)
    for top_down in (False, True):
      yield (f'{bits} bits {top_down}.bmp',
             bmp(_packed(levels, bits), bits, entries, top_down=top_down), colours[levels])
    core = b''.join(bytes([b, g, r]) for r, g, b in colours)
    yield f'{bits} bits, oldest.bmp', bmp(_packed(levels, bits), bits, core, header=12), (
        colours[levels])
  bgrx = np.concatenate([COLOURS[..., ::-1], OPACITY[..., None]], -1)
  as_rows = lambda x: list(x.reshape(HEIGHT, -1))
  yield '32 bits.bmp', bmp(as_rows(bgrx), 32), COLOURS
  masks = struct.pack('<IIII', 0xff0000, 0xff00, 0xff, 0xff000000)
  yield 'masks.bmp', bmp(as_rows(bgrx), 32, compression=3, masks=masks[:12]), COLOURS
  yield 'transparent.bmp', bmp(as_rows(bgrx), 32, compression=3, header=124, masks=masks), (
      over_white(np.concatenate([COLOURS, OPACITY[..., None]], -1)))


def _only_by_pillow():
  rgb = Image.fromarray(COLOURS)
  rgba = np.concatenate([COLOURS, OPACITY[..., None]], -1)
  for mode in ('RGB', 'RGBA', 'L'):
    file = encode(rgb.convert(mode), 'WEBP', lossless=True)
    yield f'{mode}.webp', file, shown(file)
  yield 'transparent.webp', encode(rgba, 'WEBP', lossless=True, exact=True), over_white(rgba)
  file = encode(rgb, 'WEBP', lossless=True, save_all=True, append_images=[Image.fromarray(SMOOTH)])
  yield 'animated.webp', file, COLOURS
  file = encode(rgb, 'WEBP', lossless=True, exif=_exif(6))
  yield 'turned.webp', file, COLOURS.transpose(1, 0, 2)[:, ::-1]
  for mode in ('1', 'L', 'P', 'RGB', 'CMYK'):
    file = encode(rgb.convert(mode), 'TIFF')
    yield f'{mode}.tiff', file, shown(file)
  yield 'transparent.tif', encode(rgba, 'TIFF'), over_white(rgba)
  file = encode(rgb, 'TIFF', compression='tiff_lzw', save_all=True,
                append_images=[Image.fromarray(SMOOTH)])
  yield 'pages.tiff', file, COLOURS
  wide = _RANDOM.randint(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16)
  yield '16 bits.tiff', encode(Image.fromarray(wide), 'TIFF'), np.repeat(
      (wide >> 8).astype(np.uint8)[..., None], 3, -1)
  tags = Image.Exif()
  tags[0x0112] = 8
  yield 'turned.tiff', encode(rgb, 'TIFF', exif=tags), COLOURS.transpose(1, 0, 2)[::-1]
  short = _RANDOM.randint(0, 2**15, (HEIGHT, WIDTH)).astype('<u2')
  five = [np.uint32(short >> shift & 31) for shift in (10, 5, 0)]
  pixels = np.stack([np.uint8((x * 255 + 15) // 31) for x in five], -1)
  file = bmp([row for row in short], 16)
  # Pillow widens 5 bits to 8 in its own way, by at most 1 level another.
  by_pillow = shown(file)
  assert np.abs(by_pillow.astype(int) - pixels).max() <= 1
  yield '16 bits.bmp', file, by_pillow


def served():
  """{name: (file, pixels)} of the kinds that a server decodes."""
  return {name: (file, pixels) for make in (_pngs, _jpegs, _gifs, _bmps)
          for name, file, pixels in make()}


def only_prepared():
  """{name: (file, pixels)} of those that are read on people's own machines only."""
  return {name: (file, pixels) for name, file, pixels in _only_by_pillow()}


def broken():
  """{name: (file, words that tell what is wrong)}."""
  rgb = Image.fromarray(COLOURS)
  result = {
      'empty.png': (b'', 'is an empty file'),
      'text.jpg': (b'not a picture', 'is no picture file'),
      'one byte.gif': (b'G', 'is no picture file'),
      'heic.jpg': (b'\0\0\0\x18ftypheic\0\0\0\0', 'is a HEIC or AVIF file'),
  }
  for kind in ('PNG', 'JPEG', 'GIF', 'BMP', 'WEBP', 'TIFF'):
    file = encode(rgb, kind)
    named = {'WEBP': 'WebP'}.get(kind, kind)
    for cut in (len(file) // 2, len(file) - 20):
      result[f'{cut}.{kind.lower()}'] = file[:cut], f'is a .*{named} file'
  file = bytearray(encode(rgb, 'PNG'))
  file[60] ^= 0xFF
  result['flipped.png'] = bytes(file), 'is a damaged PNG file'
  result['no pixels.png'] = png([], 8, 2, size=(0, 0)), 'has no pixels'
  # LZW data that end, well formed, before the frame is full.
  file = encode(rgb.convert('P'), 'GIF')
  data = file.index(b',') + 11
  result['short.gif'] = file[:data] + file[data:data + 256] + b'\0;', 'is a damaged GIF file'
  return result
