#include "ud2m_kernels.h"
