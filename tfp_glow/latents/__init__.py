"""Ways through the latent space of a trained flow: between images, along attributes, by scale."""

from tfp_glow.latents.directions import LatentMeans
from tfp_glow.latents.directions import directions_file
from tfp_glow.latents.directions import find_directions
from tfp_glow.latents.directions import load_directions
from tfp_glow.latents.directions import measure_means
from tfp_glow.latents.directions import save_directions
from tfp_glow.latents.interpolation import interpolate
from tfp_glow.latents.labels import labelled_batches
from tfp_glow.latents.pictures import LatentPictures
from tfp_glow.latents.scales import mix_scales
from tfp_glow.latents.scales import resample_scales

__all__ = [
    'LatentMeans', 'LatentPictures', 'directions_file', 'find_directions', 'interpolate',
    'labelled_batches', 'load_directions', 'measure_means', 'mix_scales', 'resample_scales',
    'save_directions',
]
