"""``python -m clonedetect``."""

from clonedetect.cli.main import main

if __name__ == "__main__":
    main()
