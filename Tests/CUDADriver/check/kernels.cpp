// Right programs must give right results.
#include "product.h"
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdio>

namespace check {

ProductCase::ProductCase(bool brain_floats) {
    auto x = noise(size_t(height) * width * channels, 1), w = noise(size_t(outputs) * 9 * channels, 2);
    std::vector<uint16_t> x16, w16;
    auto round = [&](float value, std::vector<uint16_t> &to) {
        to.push_back(brain_floats ? brain(value) : half(value));
        uint32_t wide = uint32_t(to.back()) << 16;
        _Float16 small;
        float result;
        memcpy(&small, &to.back(), 2);
        memcpy(&result, &wide, 4);
        return brain_floats ? result : float(small);
    };
    for (auto &each : x)
        each = round(each, x16);
    for (auto &each : w)
        each = round(each, w16);
    expected.assign(size_t(height) * width * outputs, 0);
    for (int y = 0; y < height; y++)
        for (int column = 0; column < width; column++)
            for (int o = 0; o < outputs; o++) {
                double sum = 0;
                for (int tap = 0; tap < 9; tap++) {
                    int yy = y + tap / 3 - 1, xx = column + tap % 3 - 1;
                    if (yy < 0 || yy >= height || xx < 0 || xx >= width)
                        continue;
                    for (int c = 0; c < channels; c++)
                        sum += double(x[size_t((yy * width + xx) * channels + c)]) *
                               w[size_t((o * 9 + tap) * channels + c)];
                }
                expected[size_t((y * width + column) * outputs + o)] = float(sum);
            }
    parameters = {upload(x16), upload(w16), allocate(expected.size() * 4), height, width, channels, outputs};
}

ud2m_cuda_result ProductCase::run(const char *name, int count) {
    auto function = kernel("product", name);
    unsigned columns = unsigned(height * width + 31) / 32, rows = unsigned(outputs + 31) / 32;
    void *pointers[] = {&parameters};
    ud2m_cuda_result result = 0;
    for (int i = 0; i < count && !result; i++) {
        result = cuda.cuLaunchKernel(function, columns, rows, 1, 64, 1, 1, 2 * 64 * 40 * 2, nullptr, pointers, nullptr);
        if (!result)
            result = cuda.cuCtxSynchronize();
    }
    return result;
}

double ProductCase::error() {
    auto result = download<float>(parameters.output, expected.size());
    double most = 0;
    for (size_t i = 0; i < expected.size(); i++)
        most = std::max(most, double(std::fabs(result[i] - expected[i])));
    return most;
}

static void products() {
    test("product f16", [] {
        ProductCase one(false);
        must(one.run("product_f16", 1), "product_f16");
        expect(one.error() < 1e-4, "an error of " + std::to_string(one.error()));
    });
    test("product bf16", [] {
        ProductCase one(true);
        must(one.run("product_bf16", 1), "product_bf16");
        expect(one.error() < 1e-4, "an error of " + std::to_string(one.error()));
    });
    test("speed", [] {
        ProductCase one(false);
        auto start = std::chrono::steady_clock::now();
        must(one.run("product_f16", 20), "product_f16");
        double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        // Of whole tiles: what mma did.
        double macs =
            20.0 * ((one.height * one.width + 31) / 32 * 32) * ((one.outputs + 31) / 32 * 32) * one.channels * 9;
        printf("%.0f million products a second\n", macs / seconds / 1e6);
    });
    test("product tf32", [] {
        auto a = noise(16 * 8, 3), b = noise(8 * 8, 4);
        auto function = kernel("product", "product_tf32");
        auto d = allocate(16 * 8 * 4);
        must(run(function, 1, 32, 0, upload(a), upload(b), d), "product_tf32");
        auto result = download<float>(d, 128);
        double most = 0;
        for (int r = 0; r < 16; r++)
            for (int n = 0; n < 8; n++) {
                double sum = r < 8 ? 1 + n % 2 : 3 + n % 2;
                for (int k = 0; k < 8; k++)
                    sum += double(a[size_t(r * 8 + k)]) * b[size_t(n * 8 + k)];
                most = std::max(most, std::fabs(sum - result[size_t(r * 8 + n)]));
            }
        // Two roundings to 11 bits, of sums of eight products below 1.
        expect(most < 8 * 2 * 0x1p-11 && most > 1e-7, "an error of " + std::to_string(most));
    });
    test("transposed matrices", [] {
        std::vector<uint16_t> matrix(64);
        for (size_t i = 0; i < 64; i++)
            matrix[i] = uint16_t(i);
        auto output = allocate(128);
        must(run(kernel("product", "transpose"), 1, 32, 0, upload(matrix), output), "transpose");
        auto result = download<uint16_t>(output, 64);
        for (unsigned i = 0; i < 64; i++)
            expect(result[i] == i % 8 * 8 + i / 8, "element " + std::to_string(i));
    });
}

static void sums() {
    test("sum of a block", [] {
        auto values = noise(1000, 5);
        double sum = 0;
        for (float each : values)
            sum += each;
        auto output = allocate(4);
        must(run(kernel("sums", "sum_block"), 1, 256, 0, upload(values), output, 1000), "sum_block");
        expect(std::fabs(download<float>(output, 1)[0] - sum) < 1e-4, "the sum");
    });
    test("transform", [] {
        auto values = noise(2 * 512, 6);
        std::vector<float> twiddles;
        const double turn = 2 * std::acos(-1.0);
        for (int i = 0; i < 128; i++) {
            twiddles.push_back(float(std::cos(-turn * i / 256)));
            twiddles.push_back(float(std::sin(-turn * i / 256)));
        }
        auto output = allocate(values.size() * 4);
        must(run(kernel("sums", "transform"), 2, 128, 0, upload(values), upload(twiddles), output), "transform");
        auto result = download<float>(output, values.size());
        double most = 0;
        for (int row = 0; row < 2; row++)
            for (int k = 0; k < 256; k++) {
                std::complex<double> sum = 0;
                for (int i = 0; i < 256; i++) {
                    size_t at = size_t(row * 256 + i) * 2;
                    sum +=
                        std::complex<double>(values[at], values[at + 1]) * std::polar(1.0, -turn * (k * i % 256) / 256);
                }
                size_t at = size_t(row * 256 + k) * 2;
                most = std::max(most, std::abs(sum - std::complex<double>(result[at], result[at + 1])));
            }
        expect(most < 2e-5, "an error of " + std::to_string(most));
    });
    test("histogram", [] {
        std::vector<uint8_t> values(5000);
        std::vector<uint32_t> counts(16), expected(16);
        for (size_t i = 0; i < values.size(); i++) {
            values[i] = uint8_t(i * i * 7 + i / 3);
            expected[values[i] & 15]++;
        }
        auto output = upload(counts);
        must(run(kernel("sums", "histogram"), 3, 96, 0, upload(values), output, 5000), "histogram");
        expect(download<uint32_t>(output, 16) == expected, "the counts");
    });
}

static int steps_of(int n) {
    int steps = 0;
    while (n != 1) {
        n = n & 1 ? 3 * n + 1 : n / 2;
        if (++steps > 1000)
            break;
    }
    switch (steps & 7) {
    case 0:
        return steps + 1000;
    case 1:
        return steps * 3;
    case 2:
        return steps - 7;
    case 3:
        return steps ^ 0x55;
    case 4:
        return steps << 2;
    case 5:
        return -steps;
    case 6:
        return steps + n;
    default:
        return 1;
    }
}

static void control() {
    test("divergence", [] {
        std::vector<int> input(64), before(64, -1);
        for (int i = 0; i < 64; i++)
            input[size_t(i)] = i * 5 + 1;
        auto output = upload(before);
        must(run(kernel("sums", "divergence"), 1, 64, 0, upload(input), output), "divergence");
        auto result = download<int>(output, 64);
        for (size_t i = 0; i < 64; i++)
            expect(result[i] == (i == 5 ? -1 : steps_of(input[i])), "thread " + std::to_string(i));
    });
    test("local memory and constants", [] {
        const int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
        std::vector<int> input{5, 3, 7, 1, 0, 2, 6, 4};
        auto output = allocate(32 * 4);
        must(run(kernel("sums", "local_array"), 1, 32, 0, upload(input), output), "local_array");
        auto result = download<int>(output, 32);
        for (size_t thread = 0; thread < 32; thread++) {
            size_t which = size_t(input[thread & 7] & 7);
            expect(result[thread] == input[which] * table[which] * 255, "thread " + std::to_string(thread));
        }
    });
    test("votes", [] {
        std::vector<int> input(64);
        for (int i = 0; i < 64; i++)
            input[size_t(i)] = i % 5 + 1;
        auto output = allocate(64 * 4);
        must(run(kernel("sums", "votes"), 1, 64, 0, upload(input), output), "votes");
        int count = 0;
        for (int each : input)
            count += each > 2;
        auto result = download<int>(output, 64);
        for (int each : result)
            expect(each == count * 100 + 10 + 1000, "the votes: " + std::to_string(each));
    });
    test("calls and double precision", [] {
        std::vector<double> input;
        for (int i = 0; i < 32; i++)
            input.push_back(i / 8.0);
        auto output = allocate(32 * 8);
        must(run(kernel("sums", "doubles"), 1, 32, 0, upload(input), output), "doubles");
        auto result = download<double>(output, 32);
        for (size_t i = 0; i < 32; i++) {
            double x = input[i], sum = 1, term = 1;
            for (int k = 1; k < 30; k++)
                sum += term *= x / k;
            double expected = sum + std::sqrt(x) + std::exp(-x) + std::log(x + 1) + std::pow(x + 0.5, 1.5);
            expect(std::fabs(result[i] - expected) < 1e-13 * expected, "value " + std::to_string(i));
        }
    });
}

void kernel_tests() {
    products();
    sums();
    control();
}

} // namespace check
