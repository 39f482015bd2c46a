"""Write pictures of words in another form: `python convert.py --yaml=convert_words [key.sub=value ...]`."""

from __future__ import annotations

from config.cli import parse, run


def main(argv: list[str]) -> None:
    """Convert what the YAML describes."""
    config, _ = parse(argv, "Write pictures of words or lines with their labels in another form.", "convert")
    # Readers and image libraries are imported only now: a mistake is answered at once.
    from data.recognition.convert import convert

    convert(config)


if __name__ == "__main__":
    run(main)
