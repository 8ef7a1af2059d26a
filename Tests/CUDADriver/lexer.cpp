#include "lexer.h"
#include "fault.h"
#include <cctype>

namespace testdriver {

static bool is_word(char c) {
    return std::isalnum((unsigned char)c) || c == '_' || c == '$' || c == '%' || c == '.';
}

std::vector<Token> tokens_of(const std::string &source) {
    std::vector<Token> tokens;
    unsigned line = 1;
    size_t at = 0, size = source.size();
    auto peek = [&](size_t ahead) { return at + ahead < size ? source[at + ahead] : '\0'; };
    while (at < size) {
        char c = source[at];
        if (c == '\n') {
            line++;
            at++;
        } else if (std::isspace((unsigned char)c)) {
            at++;
        } else if (c == '/' && peek(1) == '/') {
            while (at < size && source[at] != '\n')
                at++;
        } else if (c == '/' && peek(1) == '*') {
            unsigned first = line;
            at += 2;
            while (at < size && !(source[at] == '*' && peek(1) == '/')) {
                if (source[at] == '\n')
                    line++;
                at++;
            }
            if (at >= size)
                bad_ptx(first, "a comment without end");
            at += 2;
        } else if (c == '"') {
            size_t from = ++at;
            while (at < size && source[at] != '"' && source[at] != '\n')
                at++;
            if (peek(0) != '"')
                bad_ptx(line, "a string without end");
            tokens.push_back({Token::text, source.substr(from, at - from), line});
            at++;
        } else if (std::isdigit((unsigned char)c)) {
            size_t from = at;
            while (at < size && std::isalnum((unsigned char)source[at]))
                at++;
            // A plain decimal number with a fraction: only .version has one.
            if (peek(0) == '.' && std::isdigit((unsigned char)peek(1))) {
                at++;
                while (at < size && std::isalnum((unsigned char)source[at]))
                    at++;
            }
            tokens.push_back({Token::number, source.substr(from, at - from), line});
        } else if (is_word(c)) {
            size_t from = at;
            while (at < size) {
                // "L1::no_allocate" is one modifier; "$L__BB0_1:" is a label and a colon.
                if (source[at] == ':' && peek(1) == ':')
                    at += 2;
                else if (is_word(source[at]))
                    at++;
                else
                    break;
            }
            tokens.push_back({Token::word, source.substr(from, at - from), line});
        } else {
            tokens.push_back({Token::punctuation, std::string(1, c), line});
            at++;
        }
    }
    tokens.push_back({Token::end, "", line});
    return tokens;
}

} // namespace testdriver
