#include "ud2m_fft.h"
