"""Serves the page on this machine, with as little open as it needs."""

import contextlib
import os
import re
import socket

# Before the import: Gradio reads them while it is imported.
os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
os.environ['GRADIO_RUN_HISTORY'] = 'False'
os.environ['HF_HUB_OFFLINE'] = '1'

# pylint: disable=wrong-import-position
import fastapi
import gradio as gr
import uvicorn

from tfp_glow import errors
from tfp_glow.demo import looks
from tfp_glow.demo import page as page_lib
from tfp_glow.demo import upload

__all__ = ['listen', 'make_app', 'serve']

# What the page needs of Gradio's server. Its routes that take or give files, fetch other
# addresses or show the program are left out.
_ROUTES = tuple(map(re.compile, (
    r'/', r'/config/?', r'/theme\.css', r'/(assets|static|svelte)/[^.][\w./-]*', r'/favicon\.ico',
    r'/manifest\.json', r'/pwa_icon.*',
    r'/gradio_api/(info|startup-events|theme\.css|app_id|reset|cancel)/?',
    r'/gradio_api/heartbeat/\w+', r'/gradio_api/queue/(join|data)/?')))
_MAX_REQUEST = upload.MAX_BYTES * 4 // 3 + 2**16  # Bytes: a file in base64 and some words.
# The browser, too, may ask nobody but this server.
_CONTENT_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'")


class _Guard:
  """ASGI middleware that refuses every other route and large requests."""

  def __init__(self, app):
    self._app = app

  async def __call__(self, scope, receive, send):
    if scope['type'] != 'http':
      if scope['type'] == 'lifespan':
        await self._app(scope, receive, send)
      return
    path = scope['path']
    if '..' in path or not any(route.fullmatch(path) for route in _ROUTES):
      await _refuse(send, 404, 'Not found.')
      return
    headers = dict(scope['headers'])
    length = headers.get(b'content-length', b'0')
    if b'transfer-encoding' in headers or not length.isdigit() or int(length) > _MAX_REQUEST:
      await _refuse(send, 413, 'The request is too large.')
      return

    async def send_with_policy(message):
      if message['type'] == 'http.response.start':
        message['headers'] = [
            *message['headers'], (b'content-security-policy', _CONTENT_POLICY.encode()),
            (b'referrer-policy', b'no-referrer'), (b'x-content-type-options', b'nosniff')]
      await send(message)

    await self._app(scope, receive, send_with_policy)


async def _refuse(send, status, text):
  await send({'type': 'http.response.start', 'status': status,
              'headers': [(b'content-type', b'text/plain')]})
  await send({'type': 'http.response.body', 'body': text.encode()})


def make_app(model):
  """The page of a `ServedModel` as an ASGI application."""
  page = page_lib.make_page(model)
  app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
  app = gr.mount_gradio_app(
      app, page, path='/', footer_links=[], run_history=False, ssr_mode=False, pwa=False,
      show_error=False, enable_monitoring=False, mcp_server=False, theme=looks.THEME,
      css=looks.CSS)
  return _Guard(app)


@contextlib.contextmanager
def listen(host='127.0.0.1', port=7860):
  """A socket that listens on an address.

  Args:
    host: str, address to listen on; an empty one, which would be all addresses, is refused.
    port: int, 0 for a free one.

  Raises:
    UserError: if the address cannot be used.
  """
  if not host:
    raise errors.UserError('--host must be an address; 0.0.0.0 opens the page to the network.')
  with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET) as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      listener.bind((host, port))
      listener.listen()
    except (OSError, OverflowError, TypeError, ValueError) as error:
      raise errors.UserError(
          f'cannot listen on {host!r} port {port} ({error}); choose another --host, or another '
          f'--port: 0 is a free one.') from error
    yield listener


def serve(model, listener):
  """Serves the page of a `ServedModel` on a socket of `listen` until it is interrupted."""
  app = make_app(model)
  host, port = listener.getsockname()[:2]
  print(f'{model.path} at http://{host}:{port}', flush=True)
  # A page that is still open keeps a connection, which must not keep the program from ending.
  server = uvicorn.Server(uvicorn.Config(
      app, log_level='critical', access_log=False, timeout_graceful_shutdown=1))
  server.run(sockets=[listener])
