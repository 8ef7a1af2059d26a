#pragma once
// The parser's state: the tokens of a module, and of the kernel that it reads the names in every pair of braces.
#include "builder.h"
#include "lexer.h"
#include <functional>

namespace testdriver {

/// Where the tokens of a function of the module start: its parameter lists and its body.
struct Function {
    size_t results = 0, parameters = 0, body = 0;
};

/// Names inside braces; those outside are seen through `parent`.
struct Scope {
    int parent = -1;
    std::map<std::string, Register> registers;
    std::map<std::string, Symbol> symbols;
    std::map<std::string, uint32_t> labels;
};

struct Jump {
    int scope;
    std::string label;
    unsigned line;
    /// Of the code, or of a table: its number and the entry.
    bool in_table;
    uint32_t at, entry;
};

class Parser {
  public:
    Parser(const std::string &source, const std::function<uint64_t(uint64_t, bool)> &allocate)
        : tokens_(tokens_of(source)), allocate_(allocate), module_(new Module) {}

    std::unique_ptr<Module> run();

  private:
    std::vector<Token> tokens_;
    size_t at_ = 0;
    const std::function<uint64_t(uint64_t, bool)> &allocate_;
    std::unique_ptr<Module> module_;
    std::map<std::string, Function> functions_;
    std::map<std::string, Symbol> globals_;
    /// Arrays of `.extern .shared`: they start where the static ones of the kernel end.
    std::vector<std::string> dynamic_shared_;

    // Of the kernel that is read.
    Builder *builder_ = nullptr;
    std::vector<Scope> scopes_;
    int scope_ = -1;
    std::vector<Jump> jumps_;
    int depth_ = 0;

    const Token &token() const { return tokens_[at_]; }
    [[noreturn]] void fail(const std::string &why) const { bad_ptx(token().line, why); }
    bool take(const char *text) {
        if (!token().is(text))
            return false;
        at_++;
        return true;
    }
    void need(const char *text) {
        if (!take(text))
            fail(std::string("expected ") + text + ", not " + token().value);
    }
    std::string name() {
        if (token().kind != Token::word)
            fail("expected a name, not " + token().value);
        return tokens_[at_++].value;
    }
    void skip_past(const char *text) {
        while (!take(text)) {
            if (token().kind == Token::end)
                fail(std::string("no ") + text + " before the end");
            at_++;
        }
    }
    void skip_braces();

    uint64_t number(bool *is_float = nullptr, bool *is_double = nullptr);

    struct Declaration {
        std::string name;
        Type type;
        uint64_t align, count;
        bool is_array, open;
        uint64_t size() const { return count * width_of(type); }
    };
    Declaration declaration();

    void directive_of_module();
    void variable(bool constant, bool external);
    void kernel();
    void find_functions();
    void function_header();
    void body(const std::string &end_label);
    void directive_of_body();
    void instruction(const std::string &end_label);
    void call(Statement &statement);
    void resolve_jumps();

    Operand operand();
    Operand name_operand(const std::string &name);
    const Symbol *symbol(const std::string &name) const;
    const Register *find_register(const std::string &name) const;
    uint64_t place(uint32_t &used, uint64_t align, uint64_t size) const {
        uint64_t offset = (used + align - 1) / align * align;
        if (offset + size > window_size / 2)
            fail("a variable is too large");
        used = uint32_t(offset + size);
        return offset;
    }
    int open_scope(int parent) {
        scopes_.push_back({});
        scopes_.back().parent = parent;
        return int(scopes_.size()) - 1;
    }
};

} // namespace testdriver
