#include "bytes.h"

#include <stdlib.h>
#include <string.h>

bool ud2m_bytes_append(ud2m_bytes *bytes, const void *data, size_t count) {
    if (count == 0) return true;
    if (count > SIZE_MAX / 2 - bytes->count) return false;
    size_t needed = bytes->count + count;
    if (needed > bytes->capacity) {
        size_t capacity = bytes->capacity < 256 ? 256 : bytes->capacity;
        while (capacity < needed) capacity = capacity <= SIZE_MAX / 2 ? capacity * 2 : needed;
        uint8_t *grown = realloc(bytes->data, capacity);
        if (grown == NULL) return false;
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->count, data, count);
    bytes->count = needed;
    return true;
}

void ud2m_bytes_free(ud2m_bytes *bytes) {
    free(bytes->data);
    *bytes = (ud2m_bytes){0};
}

void ud2m_copy_message(char *to, const char *from) {
    size_t length = strlen(from);
    if (length >= UD2M_PNG_MESSAGE_BYTES) length = UD2M_PNG_MESSAGE_BYTES - 1;
    memcpy(to, from, length);
    to[length] = 0;
}
