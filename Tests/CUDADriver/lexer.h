#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace testdriver {

/// A word is a name, directive or opcode with its dots ("ld.global.v4.f32"); a number keeps its text.
struct Token {
    enum Kind : uint8_t { word, number, text, punctuation, end } kind = end;
    std::string value;
    unsigned line = 0;

    bool is(const char *other) const { return (kind == word || kind == punctuation) && value == other; }
};

/// The tokens of PTX, with one of kind `end` at the end.
std::vector<Token> tokens_of(const std::string &source);

} // namespace testdriver
