"""Readers of the YAML files of EasyOCR's two trainers: a table of rules each, applied by one mechanism."""

from config.easyocr.craft import CRAFT
from config.easyocr.recognition import RECOGNITION

DIALECTS = {"detection": CRAFT, "recognition": RECOGNITION}
"""The dialects, by the task of the native settings that their files become."""

__all__ = ["CRAFT", "DIALECTS", "RECOGNITION"]
