// A growing byte buffer shared by the decoder and the encoder.
#pragma once

#include <stdbool.h>

#include "ud2m_image_codecs.h"

/// Appends `count` bytes; false when memory ran out, with the buffer as it was.
bool ud2m_bytes_append(ud2m_bytes *bytes, const void *data, size_t count);

/// Copies a message, cut to `UD2M_PNG_MESSAGE_BYTES`.
void ud2m_copy_message(char *to, const char *from);
