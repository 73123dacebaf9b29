"""What an experiment file may say, and how its words become parts.

Each section has a module: its keys, and how they become layers, a loss, a rule and so on. `schema` says what a key
takes, `toml` reads and writes files, `config` has all sections together. Knows no data.
"""

from mlp.config.config import SECTIONS as SECTIONS
from mlp.config.config import Config as Config
from mlp.config.config import changed_files as changed_files
from mlp.config.config import parse as parse
from mlp.config.config import require_parts as require_parts
from mlp.config.config import settle as settle
from mlp.config.config import use_options as use_options
from mlp.config.own_parts import NO_PARTS as NO_PARTS
from mlp.config.own_parts import OwnParts as OwnParts
from mlp.config.own_parts import describe_error as describe_error
from mlp.config.own_parts import read_parts as read_parts
from mlp.config.schema import naming_place as naming_place
from mlp.config.toml import explaining_paths as explaining_paths
from mlp.config.toml import override as override
from mlp.config.toml import put as put
from mlp.config.toml import read_toml as read_toml
from mlp.config.toml import to_toml as to_toml
