import yaml
from rich.text import Text
import dateutil.tz
from . import __main__
