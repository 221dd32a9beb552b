#include "base/error.h"

G_DEFINE_QUARK(absender - error - quark, abs_error)
