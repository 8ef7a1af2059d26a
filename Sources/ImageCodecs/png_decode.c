#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

// A decompressed text chunk, and the number of chunks kept, are bounded: compressed text is a cheap bomb.
#define MAXIMUM_CHUNK_BYTES (8u << 20)
#define MAXIMUM_KEPT_CHUNKS 1000
#define MAXIMUM_TEXT_BYTES (32u << 20)
#define MAXIMUM_WARNING_BYTES 4096
// Deflate cannot do better than 258 bytes from two bits.
#define DEFLATE_BEST_RATIO 1032

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    ud2m_png_image *image;
    ud2m_png_status status;
} reader;

static void read_bytes(png_structp png, png_bytep to, size_t count) {
    reader *self = png_get_io_ptr(png);
    if (count > self->count - self->position) {
        self->status = UD2M_PNG_TRUNCATED;
        png_error(png, "the data ends inside a chunk");
    }
    memcpy(to, self->bytes + self->position, count);
    self->position += count;
}

static void on_error(png_structp png, png_const_charp message) {
    reader *self = png_get_error_ptr(png);
    if (self->status == UD2M_PNG_OK) self->status = UD2M_PNG_CORRUPT;
    ud2m_copy_message(self->image->message, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    reader *self = png_get_error_ptr(png);
    ud2m_bytes *warnings = &self->image->warnings;
    size_t count = strlen(message) + 1;
    // A warning that finds no room is dropped: it must not become the reason for a failure.
    if (warnings->count + count <= MAXIMUM_WARNING_BYTES) (void)ud2m_bytes_append(warnings, message, count);
}

static _Noreturn void fail(png_structp png, reader *self, ud2m_png_status status, const char *message) {
    self->status = status;
    png_error(png, message);
}

// Chunks that would only cost work or attack surface: colour, gamma, dates and profiles are not used.
static void ignore_unused_chunks(png_structp png) {
    static const png_byte names[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tIME\0";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names - 1) / 5);
}

static void collect_text(png_structp png, png_infop info, reader *self) {
    png_textp entries = NULL;
    int count = 0;
    png_get_text(png, info, &entries, &count);
    for (int i = 0; i < count; i++) {
        const png_text *entry = &entries[i];
        if (entry->key == NULL || entry->text == NULL) continue;
        size_t key_bytes = strlen(entry->key) + 1;
        size_t text_bytes = strlen(entry->text) + 1;
        ud2m_bytes *text = &self->image->text;
        if (key_bytes + text_bytes + 1 > MAXIMUM_TEXT_BYTES - text->count) {
            fail(png, self, UD2M_PNG_TOO_LARGE, "the text chunks are too large");
        }
        bool is_utf8 = entry->compression >= PNG_ITXT_COMPRESSION_NONE;
        if (!ud2m_bytes_append(text, is_utf8 ? "i" : "t", 1) || !ud2m_bytes_append(text, entry->key, key_bytes) ||
            !ud2m_bytes_append(text, entry->text, text_bytes)) {
            fail(png, self, UD2M_PNG_NO_MEMORY, "no memory for the text chunks");
        }
    }
}

static void set_transforms(png_structp png, png_infop info, ud2m_png_image *image) {
    int color_type = png_get_color_type(png, info);
    int bit_depth = png_get_bit_depth(png, info);
    bool is_color = (color_type & PNG_COLOR_MASK_COLOR) != 0;
    bool has_key = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    image->had_alpha = (color_type & PNG_COLOR_MASK_ALPHA) != 0 || has_key;
    image->channels = is_color ? 3 : 1;
    image->bit_depth = bit_depth == 16 ? 16 : 8;
    if (color_type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (color_type == PNG_COLOR_TYPE_GRAY && bit_depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    // A palette's transparency becomes an alpha channel, which goes the way of a stored one.
    if (image->had_alpha) png_set_strip_alpha(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bit_depth == 16) png_set_swap(png);
#endif
}

static void read_picture(png_structp png, png_infop info, reader *self, uint64_t maximum_pixels) {
    ud2m_png_image *image = self->image;
    png_read_info(png, info);
    image->width = png_get_image_width(png, info);
    image->height = png_get_image_height(png, info);
    uint64_t pixels = (uint64_t)image->width * image->height;
    if (pixels > maximum_pixels) fail(png, self, UD2M_PNG_TOO_LARGE, "more pixels than the limit allows");

    // What the file stores must fit what this many bytes can inflate to, else rows are missing.
    uint64_t bits = (uint64_t)png_get_bit_depth(png, info) * png_get_channels(png, info);
    if (pixels / 8 * bits / DEFLATE_BEST_RATIO > self->count) {
        fail(png, self, UD2M_PNG_TRUNCATED, "the file is too short for the size it declares");
    }

    set_transforms(png, info, image);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    uint64_t row_bytes = (uint64_t)image->width * image->channels * (image->bit_depth / 8);
    if (png_get_rowbytes(png, info) != row_bytes || row_bytes > SIZE_MAX / image->height) {
        fail(png, self, UD2M_PNG_TOO_LARGE, "a row has an unexpected size");
    }
    image->samples = calloc(image->height, (size_t)row_bytes);
    if (image->samples == NULL) fail(png, self, UD2M_PNG_NO_MEMORY, "no memory for the samples");
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < image->height; y++) {
            png_read_row(png, image->samples + (size_t)row_bytes * y, NULL);
        }
    }
    png_read_end(png, info);
    collect_text(png, info, self);
}

ud2m_png_status ud2m_png_decode(const uint8_t *bytes, size_t count, uint64_t maximum_pixels, ud2m_png_image *image) {
    *image = (ud2m_png_image){0};
    reader self = {.bytes = bytes, .count = count, .image = image, .status = UD2M_PNG_OK};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        ud2m_copy_message(image->message, "libpng could not be started");
        return UD2M_PNG_NO_MEMORY;
    }
    // Nothing this frame owns changes between setjmp and the jump; what the callees build hangs on `image`.
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_read_fn(png, &self, read_bytes);
        // The product is checked by hand, with an error of its own; libpng's limit on a side would call it corrupt.
        png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
        png_set_chunk_malloc_max(png, MAXIMUM_CHUNK_BYTES);
        png_set_chunk_cache_max(png, MAXIMUM_KEPT_CHUNKS);
        ignore_unused_chunks(png);
        read_picture(png, info, &self, maximum_pixels);
    }
    png_destroy_read_struct(&png, &info, NULL);
    return self.status;
}

void ud2m_png_image_free(ud2m_png_image *image) {
    free(image->samples);
    ud2m_bytes_free(&image->text);
    ud2m_bytes_free(&image->warnings);
    *image = (ud2m_png_image){0};
}
