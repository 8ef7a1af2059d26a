#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "bytes.h"

typedef struct {
    ud2m_bytes *out;
    char *message;
    ud2m_png_status status;
} writer;

static void write_bytes(png_structp png, png_bytep from, size_t count) {
    writer *self = png_get_io_ptr(png);
    if (!ud2m_bytes_append(self->out, from, count)) {
        self->status = UD2M_PNG_NO_MEMORY;
        png_error(png, "no memory for the encoded image");
    }
}

// Without a flush function libpng would call fflush on what is not a FILE.
static void flush(png_structp png) { (void)png; }

static void on_error(png_structp png, png_const_charp message) {
    writer *self = png_get_error_ptr(png);
    if (self->status == UD2M_PNG_OK) self->status = UD2M_PNG_ARGUMENT;
    ud2m_copy_message(self->message, message);
    png_longjmp(png, 1);
}

// While writing, libpng only warns about what it repairs, and what it is given here needs no repair.
static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static _Noreturn void fail(png_structp png, writer *self, const char *message) {
    self->status = UD2M_PNG_ARGUMENT;
    png_error(png, message);
}

// Moves past a zero-terminated string; NULL when `left` bytes hold no zero.
static const uint8_t *after_string(const uint8_t *from, const uint8_t *end) {
    const uint8_t *zero = memchr(from, 0, (size_t)(end - from));
    return zero == NULL ? NULL : zero + 1;
}

static void set_text(png_structp png, png_infop info, writer *self, const uint8_t *text, size_t text_bytes) {
    if (text_bytes == 0) return;
    const uint8_t *end = text + text_bytes;
    while (text < end) {
        uint8_t kind = *text;
        const uint8_t *key = text + 1;
        const uint8_t *value = after_string(key, end);
        const uint8_t *next = value == NULL ? NULL : after_string(value, end);
        if (next == NULL || (kind != 't' && kind != 'i')) fail(png, self, "a text entry is malformed");
        png_text entry = {0};
        entry.compression = kind == 'i' ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
        entry.key = (png_charp)key;
        entry.text = (png_charp)value;
        entry.lang = "";
        entry.lang_key = "";
        png_set_text(png, info, &entry, 1);
        text = next;
    }
}

ud2m_png_status ud2m_png_encode(
    const uint8_t *samples, size_t sample_bytes, uint32_t width, uint32_t height, uint32_t channels,
    uint32_t bit_depth, const uint8_t *text, size_t text_bytes, ud2m_bytes *out, char *message) {
    *out = (ud2m_bytes){0};
    message[0] = 0;
    uint64_t row_bytes = (uint64_t)width * channels * (bit_depth / 8);
    if ((channels != 1 && channels != 3) || (bit_depth != 8 && bit_depth != 16) || width == 0 || height == 0 ||
        row_bytes > UINT64_MAX / height || row_bytes * height != sample_bytes) {
        ud2m_copy_message(message, "the samples do not fit the size");
        return UD2M_PNG_ARGUMENT;
    }
    writer self = {.out = out, .message = message, .status = UD2M_PNG_OK};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL) {
        png_destroy_write_struct(&png, NULL);
        ud2m_copy_message(message, "libpng could not be started");
        return UD2M_PNG_NO_MEMORY;
    }
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_write_fn(png, &self, write_bytes, flush);
        png_set_IHDR(
            png, info, width, height, (int)bit_depth, channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
            PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        set_text(png, info, &self, text, text_bytes);
        png_write_info(png, info);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (bit_depth == 16) png_set_swap(png);
#endif
        for (uint32_t y = 0; y < height; y++) png_write_row(png, samples + (size_t)row_bytes * y);
        png_write_end(png, NULL);
    }
    png_destroy_write_struct(&png, &info);
    if (self.status != UD2M_PNG_OK) ud2m_bytes_free(out);
    return self.status;
}
