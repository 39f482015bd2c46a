"""From score maps to words: boxes, polygons, and the way back to image pixels."""

from utils.decode.boxes import Detections, detect_words, map_to_image

__all__ = ["Detections", "detect_words", "map_to_image"]
