#include "ud2m_image_codecs.h"
