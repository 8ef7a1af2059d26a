// Directives of a module: variables, functions, numbers and declarations.
#include "parser.h"
#include "parser_state.h"
#include <cstring>

namespace testdriver {

std::unique_ptr<Module> Parser::run() {
    find_functions();
    while (token().kind != Token::end)
        directive_of_module();
    if (module_->target == 0)
        fail("no .target");
    return std::move(module_);
}

/// A function may be defined after what calls it.
void Parser::find_functions() {
    while (token().kind != Token::end) {
        if (take(".func"))
            function_header();
        else
            at_++;
    }
    at_ = 0;
}

void Parser::skip_braces() {
    need("{");
    for (int depth = 1; depth > 0; at_++) {
        if (token().kind == Token::end)
            fail("no } before the end");
        if (token().is("{"))
            depth++;
        if (token().is("}"))
            depth--;
    }
}

uint64_t Parser::number(bool *is_float, bool *is_double) {
    bool negative = take("-");
    if (token().kind != Token::number)
        fail("expected a number, not " + token().value);
    std::string text = tokens_[at_++].value;
    int base = 10;
    size_t from = 0;
    char second = text.size() > 1 ? text[1] : 0;
    if (text[0] == '0' && (second == 'f' || second == 'F') && text.size() == 10) {
        if (is_float)
            *is_float = true;
        base = 16, from = 2;
    } else if (text[0] == '0' && (second == 'd' || second == 'D') && text.size() == 18) {
        if (is_double)
            *is_double = true;
        base = 16, from = 2;
    } else if (second == 'x' || second == 'X') {
        base = 16, from = 2;
    }
    if (base == 16 && negative)
        fail("a negative number in hexadecimal");
    std::string digits = text.substr(from);
    if (!digits.empty() && digits.back() == 'U')
        digits.pop_back();
    char *end = nullptr;
    uint64_t value = strtoull(digits.c_str(), &end, base);
    if (digits.empty() || *end)
        bad_ptx(tokens_[at_ - 1].line, "not a number: " + text);
    return negative ? 0 - value : value;
}

Parser::Declaration Parser::declaration() {
    Declaration result{"", Type::none, 0, 1, false, false};
    for (;;) {
        std::string word = name();
        if (word == ".align") {
            result.align = number();
        } else if (word == ".ptr" || word == ".global" || word == ".const" || word == ".shared" || word == ".local") {
            // Says where a pointer points to; nothing depends on it.
        } else if (word[0] == '.') {
            result.type = type_named(word.substr(1));
            if (result.type == Type::none)
                fail("the type " + word + " is not known");
            result.name = name();
            break;
        } else {
            fail("expected a type, not " + word);
        }
    }
    if (result.align == 0)
        result.align = width_of(result.type) ? width_of(result.type) : 1;
    if (result.align & (result.align - 1))
        fail("not an alignment");
    while (take("[")) {
        result.is_array = true;
        if (take("]")) {
            result.open = true;
            result.count = 0;
            continue;
        }
        uint64_t count = number();
        if (count > window_size || result.count > window_size)
            fail("an array is too large");
        result.count *= count;
        need("]");
    }
    return result;
}

void Parser::directive_of_module() {
    bool external = false;
    for (;;) {
        if (take(".extern"))
            external = true;
        else if (!take(".visible") && !take(".weak"))
            break;
    }
    if (take(".version")) {
        std::string text = tokens_[at_++].value;
        if (std::atof(text.c_str()) > 8.0)
            throw Fault(UD2M_CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "PTX " + text + " is newer than this driver, 8.0");
    } else if (take(".target")) {
        std::string text = name();
        if (text.compare(0, 3, "sm_") != 0)
            fail("the target " + text + " is not known");
        module_->target = unsigned(std::atoi(text.c_str() + 3));
    } else if (take(".address_size")) {
        if (number() != 64)
            fail("addresses have 64 bits");
    } else if (take(".file")) {
        number();
        at_++;
        while (take(","))
            at_++;
    } else if (take(".section")) {
        name();
        skip_braces();
    } else if (take(".global")) {
        variable(false, external);
    } else if (take(".const")) {
        variable(true, external);
    } else if (take(".shared")) {
        Declaration shared = declaration();
        if (!external || !shared.open)
            fail("shared memory of a module that is no .extern array");
        need(";");
        dynamic_shared_.push_back(shared.name);
    } else if (take(".func")) {
        function_header();
    } else if (take(".entry")) {
        kernel();
    } else {
        fail("this directive is not known: " + token().value);
    }
}

void Parser::variable(bool constant, bool external) {
    if (external)
        fail("variables of other modules are not known");
    Declaration declared = declaration();
    Variable variable;
    variable.size = declared.size();
    variable.constant = constant;
    unsigned width = width_of(declared.type);
    std::vector<uint8_t> content;
    if (take("=")) {
        bool list = take("{");
        do {
            bool is_float = false, is_double = false;
            uint64_t value = number(&is_float, &is_double);
            for (unsigned byte = 0; byte < width; byte++)
                content.push_back(uint8_t(value >> byte * 8));
        } while (list && take(","));
        if (list)
            need("}");
        if (declared.open)
            variable.size = content.size();
        if (content.size() > variable.size)
            fail("more values than elements");
    }
    need(";");
    if (variable.size == 0)
        fail("a variable without size");
    // Variables start as zeros (ISA section 5.1.4, 5.4.4).
    content.resize(variable.size);
    variable.content = std::move(content);
    variable.address = allocate_(variable.size, constant);
    globals_[declared.name] = {Symbol::global, variable.address};
    module_->variables[declared.name] = std::move(variable);
}

void Parser::function_header() {
    Function function;
    if (token().is("(")) {
        function.results = at_;
        skip_past(")");
    }
    std::string called = name();
    if (token().is("(")) {
        function.parameters = at_;
        skip_past(")");
    }
    while (take(".noreturn")) {
    }
    if (take(";"))
        return;
    function.body = at_;
    skip_braces();
    functions_[called] = function;
}

std::unique_ptr<Module> parse(const std::string &source, const std::function<uint64_t(uint64_t, bool)> &allocate) {
    return Parser(source, allocate).run();
}

} // namespace testdriver
