"""Names, dimensions, units and dtypes of everything that is stored, and the value objects that name it.

One room for the contracts; no I/O here. `from reprocess import schema` gives them all.
"""

from reprocess.schema.arrays import ARCHIVE_ARRAYS as ARCHIVE_ARRAYS
from reprocess.schema.arrays import CLASS_ARRAYS as CLASS_ARRAYS
from reprocess.schema.arrays import COORDINATES as COORDINATES
from reprocess.schema.arrays import DAY_ARRAYS as DAY_ARRAYS
from reprocess.schema.arrays import DIMS as DIMS
from reprocess.schema.arrays import ELECTRON_VARIABLES as ELECTRON_VARIABLES
from reprocess.schema.arrays import NO_TIME as NO_TIME
from reprocess.schema.arrays import PROTON_VARIABLES as PROTON_VARIABLES
from reprocess.schema.arrays import RECORD_ARRAYS as RECORD_ARRAYS
from reprocess.schema.arrays import ArraySpec as ArraySpec
from reprocess.schema.calendar import BLOCK_DAYS as BLOCK_DAYS
from reprocess.schema.calendar import DAYS as DAYS
from reprocess.schema.calendar import EPOCH as EPOCH
from reprocess.schema.calendar import MS_PER_DAY as MS_PER_DAY
from reprocess.schema.calendar import RECORDS as RECORDS
from reprocess.schema.calendar import SAMPLING_S as SAMPLING_S
from reprocess.schema.calendar import block_days as block_days
from reprocess.schema.calendar import day_date as day_date
from reprocess.schema.calendar import day_index as day_index
from reprocess.schema.events import CLASSES as CLASSES
from reprocess.schema.events import EVENT_CLASSES as EVENT_CLASSES
from reprocess.schema.events import EVENT_COLUMNS as EVENT_COLUMNS
from reprocess.schema.events import EVENT_FLAGS as EVENT_FLAGS
from reprocess.schema.events import FLAG_MEANINGS as FLAG_MEANINGS
from reprocess.schema.events import FLAGS as FLAGS
from reprocess.schema.grid import HEMISPHERES as HEMISPHERES
from reprocess.schema.grid import L_EDGES as L_EDGES
from reprocess.schema.grid import MLT_EDGES as MLT_EDGES
from reprocess.schema.maps import DWELL_COLUMNS as DWELL_COLUMNS
from reprocess.schema.maps import EXPOSURE as EXPOSURE
from reprocess.schema.maps import EXPOSURE_COORDINATES as EXPOSURE_COORDINATES
from reprocess.schema.maps import GRID_COORDINATES as GRID_COORDINATES
from reprocess.schema.maps import OCCURRENCE as OCCURRENCE
from reprocess.schema.maps import OCCURRENCE_COORDINATES as OCCURRENCE_COORDINATES
from reprocess.schema.maps import RECORDS_OF as RECORDS_OF
from reprocess.schema.satellites import SATELLITES as SATELLITES
from reprocess.schema.satellites import Satellite as Satellite
from reprocess.schema.states import DEFERRALS as DEFERRALS
from reprocess.schema.states import LEFT_OUT as LEFT_OUT
from reprocess.schema.states import LEFT_OUT_FOR_NOW as LEFT_OUT_FOR_NOW
from reprocess.schema.states import MAX_SOURCE_BYTES as MAX_SOURCE_BYTES
from reprocess.schema.states import NO_DAY as NO_DAY
from reprocess.schema.states import REASONS as REASONS
from reprocess.schema.states import RETRIED as RETRIED
from reprocess.schema.states import STATUS as STATUS
from reprocess.schema.states import TRANSIENT as TRANSIENT
from reprocess.schema.variables import Variable as Variable
