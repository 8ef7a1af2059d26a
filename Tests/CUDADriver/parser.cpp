#include "parser.h"
#include "builder.h"
#include "lexer.h"
#include <cstring>

namespace testdriver {
namespace {

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
        if (!token().is(text)) return false;
        at_++;
        return true;
    }
    void need(const char *text) {
        if (!take(text)) fail(std::string("expected ") + text + ", not " + token().value);
    }
    std::string name() {
        if (token().kind != Token::word) fail("expected a name, not " + token().value);
        return tokens_[at_++].value;
    }
    void skip_past(const char *text) {
        while (!take(text)) {
            if (token().kind == Token::end) fail(std::string("no ") + text + " before the end");
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
        if (offset + size > window_size / 2) fail("a variable is too large");
        used = uint32_t(offset + size);
        return offset;
    }
    int open_scope(int parent) {
        scopes_.push_back({});
        scopes_.back().parent = parent;
        return int(scopes_.size()) - 1;
    }
};

std::unique_ptr<Module> Parser::run() {
    find_functions();
    while (token().kind != Token::end) directive_of_module();
    if (module_->target == 0) fail("no .target");
    return std::move(module_);
}

/// A function may be defined after what calls it.
void Parser::find_functions() {
    while (token().kind != Token::end) {
        if (take(".func")) function_header();
        else at_++;
    }
    at_ = 0;
}

void Parser::skip_braces() {
    need("{");
    for (int depth = 1; depth > 0; at_++) {
        if (token().kind == Token::end) fail("no } before the end");
        if (token().is("{")) depth++;
        if (token().is("}")) depth--;
    }
}

uint64_t Parser::number(bool *is_float, bool *is_double) {
    bool negative = take("-");
    if (token().kind != Token::number) fail("expected a number, not " + token().value);
    std::string text = tokens_[at_++].value;
    int base = 10;
    size_t from = 0;
    char second = text.size() > 1 ? text[1] : 0;
    if (text[0] == '0' && (second == 'f' || second == 'F') && text.size() == 10) {
        if (is_float) *is_float = true;
        base = 16, from = 2;
    } else if (text[0] == '0' && (second == 'd' || second == 'D') && text.size() == 18) {
        if (is_double) *is_double = true;
        base = 16, from = 2;
    } else if (second == 'x' || second == 'X') {
        base = 16, from = 2;
    }
    if (base == 16 && negative) fail("a negative number in hexadecimal");
    std::string digits = text.substr(from);
    if (!digits.empty() && digits.back() == 'U') digits.pop_back();
    char *end = nullptr;
    uint64_t value = strtoull(digits.c_str(), &end, base);
    if (digits.empty() || *end) bad_ptx(tokens_[at_ - 1].line, "not a number: " + text);
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
            if (result.type == Type::none) fail("the type " + word + " is not known");
            result.name = name();
            break;
        } else {
            fail("expected a type, not " + word);
        }
    }
    if (result.align == 0) result.align = width_of(result.type) ? width_of(result.type) : 1;
    if (result.align & (result.align - 1)) fail("not an alignment");
    while (take("[")) {
        result.is_array = true;
        if (take("]")) {
            result.open = true;
            result.count = 0;
            continue;
        }
        uint64_t count = number();
        if (count > window_size || result.count > window_size) fail("an array is too large");
        result.count *= count;
        need("]");
    }
    return result;
}

void Parser::directive_of_module() {
    bool external = false;
    for (;;) {
        if (take(".extern")) external = true;
        else if (!take(".visible") && !take(".weak")) break;
    }
    if (take(".version")) {
        std::string text = tokens_[at_++].value;
        if (std::atof(text.c_str()) > 8.0)
            throw Fault(UD2M_CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "PTX " + text + " is newer than this driver, 8.0");
    } else if (take(".target")) {
        std::string text = name();
        if (text.compare(0, 3, "sm_") != 0) fail("the target " + text + " is not known");
        module_->target = unsigned(std::atoi(text.c_str() + 3));
    } else if (take(".address_size")) {
        if (number() != 64) fail("addresses have 64 bits");
    } else if (take(".file")) {
        number();
        at_++;
        while (take(",")) at_++;
    } else if (take(".section")) {
        name();
        skip_braces();
    } else if (take(".global")) {
        variable(false, external);
    } else if (take(".const")) {
        variable(true, external);
    } else if (take(".shared")) {
        Declaration shared = declaration();
        if (!external || !shared.open) fail("shared memory of a module that is no .extern array");
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
    if (external) fail("variables of other modules are not known");
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
            for (unsigned byte = 0; byte < width; byte++) content.push_back(uint8_t(value >> byte * 8));
        } while (list && take(","));
        if (list) need("}");
        if (declared.open) variable.size = content.size();
        if (content.size() > variable.size) fail("more values than elements");
    }
    need(";");
    if (variable.size == 0) fail("a variable without size");
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
    while (take(".noreturn")) {}
    if (take(";")) return;
    function.body = at_;
    skip_braces();
    functions_[called] = function;
}

void Parser::kernel() {
    auto kernel = std::make_unique<Kernel>();
    kernel->name = name();
    Builder builder(*kernel);
    builder_ = &builder;
    scopes_.clear();
    jumps_.clear();
    scope_ = open_scope(-1);
    if (take("(") && !take(")")) {
        do {
            need(".param");
            Declaration declared = declaration();
            uint64_t offset = place(kernel->parameter_bytes, declared.align, declared.size());
            kernel->parameters.push_back({uint32_t(offset), uint32_t(declared.size())});
            scopes_[scope_].symbols[declared.name] = {Symbol::parameter, offset};
        } while (take(","));
        need(")");
    }
    if (kernel->parameter_bytes > 4096) fail("more than 4096 bytes of parameters");
    while (!token().is("{")) {
        std::string word = name();
        bool most = word == ".maxntid", exactly = word == ".reqntid";
        if (!most && !exactly && word != ".minnctapersm" && word != ".maxnreg") fail("not known: " + word);
        uint64_t product = number();
        while (take(",")) product *= number();
        if (most) kernel->max_threads = uint32_t(product);
        if (exactly) kernel->required_threads = uint32_t(product);
    }
    // Dynamic shared memory starts after the static one, whose size is known only at the end of the body; so static
    // variables are laid out first.
    size_t body_start = at_;
    skip_braces();
    size_t body_end = at_;
    std::map<std::string, Symbol> shared;
    for (at_ = body_start; at_ < body_end;) {
        if (!take(".shared")) {
            at_++;
            continue;
        }
        Declaration declared = declaration();
        shared[declared.name] = {Symbol::shared, place(kernel->static_shared, declared.align, declared.size())};
    }
    kernel->static_shared = (kernel->static_shared + 15) / 16 * 16;
    scopes_[scope_].symbols.insert(shared.begin(), shared.end());
    for (auto &each : dynamic_shared_) scopes_[scope_].symbols[each] = {Symbol::shared, kernel->static_shared};
    at_ = body_start;
    body("");
    Instruction exit;
    exit.flow = Flow::exit;
    Statement implied;
    implied.line = tokens_[at_ - 1].line;
    implied.text = "}";
    builder.append(exit, implied);
    resolve_jumps();
    builder_ = nullptr;
    std::string called = kernel->name;
    module_->kernels[called] = std::move(kernel);
}

void Parser::body(const std::string &end_label) {
    need("{");
    while (!take("}")) {
        if (token().kind == Token::end) fail("no } before the end");
        if (token().is("{")) {
            int outer = scope_;
            scope_ = open_scope(outer);
            body(end_label);
            scope_ = outer;
        } else if (token().kind == Token::word && tokens_[at_ + 1].is(":") && token().value[0] != '.') {
            std::string label = name();
            need(":");
            if (take(".branchtargets")) {
                uint32_t table = uint32_t(builder_->kernel.branch_tables.size());
                builder_->kernel.branch_tables.push_back({});
                do {
                    auto &entries = builder_->kernel.branch_tables.back();
                    jumps_.push_back({scope_, name(), token().line, true, table, uint32_t(entries.size())});
                    entries.push_back(0);
                } while (take(","));
                need(";");
                scopes_[scope_].symbols[label] = {Symbol::table, table};
            } else if (!scopes_[scope_].labels.insert({label, uint32_t(builder_->kernel.code.size())}).second) {
                fail("the label is there twice: " + label);
            }
        } else if (token().kind == Token::word && token().value[0] == '.') {
            directive_of_body();
        } else {
            instruction(end_label);
        }
    }
}

void Parser::directive_of_body() {
    auto &scope = scopes_[scope_];
    if (take(".reg")) {
        Type type = type_named(name().substr(1));
        if (type == Type::none) fail("the type of a register is not known");
        do {
            std::string first = name();
            if (take("<")) {
                uint64_t count = number();
                need(">");
                if (count > 100000) fail("too many registers");
                for (uint64_t i = 0; i < count; i++)
                    scope.registers[first + std::to_string(i)] = builder_->new_register(type);
            } else {
                scope.registers[first] = builder_->new_register(type);
            }
        } while (take(","));
        need(";");
    } else if (take(".local") || take(".param")) {
        Declaration declared = declaration();
        need(";");
        uint64_t offset = place(builder_->kernel.local_bytes, declared.align < 16 ? 16 : declared.align, declared.size());
        scope.symbols[declared.name] = {Symbol::local, offset};
    } else if (take(".shared")) {
        declaration();
        need(";");
    } else if (take(".loc")) {
        number();
        number();
        number();
        if (take(",")) {
            // "function_name LABEL, inlined_at FILE LINE COLUMN"
            while (token().kind != Token::end && !token().is("inlined_at")) at_++;
            at_++;
            number();
            number();
            number();
        }
    } else if (take(".pragma")) {
        skip_past(";");
    } else {
        fail("this directive is not known: " + token().value);
    }
}

const Register *Parser::find_register(const std::string &name) const {
    for (int scope = scope_; scope >= 0; scope = scopes_[scope].parent) {
        auto found = scopes_[scope].registers.find(name);
        if (found != scopes_[scope].registers.end()) return &found->second;
    }
    return nullptr;
}

const Symbol *Parser::symbol(const std::string &name) const {
    for (int scope = scope_; scope >= 0; scope = scopes_[scope].parent) {
        auto found = scopes_[scope].symbols.find(name);
        if (found != scopes_[scope].symbols.end()) return &found->second;
    }
    auto found = globals_.find(name);
    return found == globals_.end() ? nullptr : &found->second;
}

Operand Parser::name_operand(const std::string &name) {
    static const struct {
        const char *name;
        Special which;
    } specials[] = {{"%tid.x", tid_x},         {"%tid.y", tid_y},         {"%tid.z", tid_z},
                    {"%ntid.x", ntid_x},       {"%ntid.y", ntid_y},       {"%ntid.z", ntid_z},
                    {"%ctaid.x", ctaid_x},     {"%ctaid.y", ctaid_y},     {"%ctaid.z", ctaid_z},
                    {"%nctaid.x", nctaid_x},   {"%nctaid.y", nctaid_y},   {"%nctaid.z", nctaid_z},
                    {"%laneid", laneid},       {"%warpid", warpid},       {"%lanemask_lt", lanemask_lt},
                    {"%lanemask_le", lanemask_le}, {"%lanemask_eq", lanemask_eq}, {"%lanemask_ge", lanemask_ge},
                    {"%lanemask_gt", lanemask_gt}, {"%clock", clock_low}, {"%smid", smid}};
    Operand result;
    if (name == "_") {
        result.kind = Operand::sink;
    } else if (auto *found = find_register(name)) {
        result.kind = Operand::in_register;
        result.reg = *found;
    } else if (auto *found = symbol(name)) {
        result.kind = Operand::symbol;
        result.symbol_value = *found;
    } else if (name == "WARP_SZ") {
        result.kind = Operand::number;
        result.bits = 32;
    } else {
        for (auto &each : specials)
            if (name == each.name) {
                result.kind = Operand::special;
                result.special_value = each.which;
            }
        if (result.kind == Operand::none) fail("the name is not known: " + name);
    }
    return result;
}

Operand Parser::operand() {
    Operand result;
    if (take("{")) {
        result.kind = Operand::vector;
        do result.elements.push_back(operand());
        while (take(","));
        need("}");
    } else if (take("[")) {
        result.kind = Operand::address;
        if (token().kind == Token::word) {
            Operand base = name_operand(name());
            if (base.kind == Operand::in_register) {
                result.has_register = true;
                result.reg = base.reg;
            } else if (base.kind == Operand::symbol) {
                result.has_symbol = true;
                result.symbol_value = base.symbol_value;
            } else {
                fail("not an address");
            }
            if (take("+") || token().is("-")) result.bits = number();
        } else {
            result.bits = number();
        }
        need("]");
    } else if (take("!")) {
        result = name_operand(name());
        if (result.kind != Operand::in_register || result.reg.type != Type::pred) fail("! before what is no predicate");
        result.negated = true;
    } else if (token().kind == Token::word) {
        result = name_operand(name());
        if (result.kind == Operand::symbol && take("+")) result.bits = number();
    } else {
        bool is_float = false, is_double = false;
        result.bits = number(&is_float, &is_double);
        result.kind = is_float ? Operand::float_number : is_double ? Operand::double_number : Operand::number;
    }
    return result;
}

void Parser::instruction(const std::string &end_label) {
    Statement statement;
    statement.line = token().line;
    for (size_t i = at_; !tokens_[i].is(";") && tokens_[i].kind != Token::end; i++) {
        bool tight = statement.text.empty() || tokens_[i].is(",") || tokens_[i].is("]") || tokens_[i].is("}") ||
                     tokens_[i - 1].is("[") || tokens_[i - 1].is("{") || tokens_[i - 1].is("@") ||
                     tokens_[i - 1].is("!") || tokens_[i].is("+") || tokens_[i - 1].is("+");
        statement.text += (tight ? "" : " ") + tokens_[i].value;
    }
    if (take("@")) {
        statement.guarded = true;
        statement.guard_negated = take("!");
        auto *found = find_register(name());
        if (!found || found->type != Type::pred) fail("the guard is no predicate");
        statement.guard = *found;
    }
    std::string opcode = name();
    for (size_t from = 0; from <= opcode.size();) {
        size_t to = opcode.find('.', from);
        if (to == std::string::npos) to = opcode.size();
        statement.opcode.push_back(opcode.substr(from, to - from));
        from = to + 1;
    }
    if (statement.opcode[0] == "call") return call(statement);

    Decoding decoding(*builder_, statement);
    decoding.result.guarded = statement.guarded;
    decoding.result.guard_negated = statement.guard_negated;
    decoding.result.guard = statement.guard.offset;
    const std::string &base = statement.opcode[0];
    uint32_t here = uint32_t(builder_->kernel.code.size());
    if (base == "bra") {
        decoding.take("uni");
        decoding.result.flow = Flow::branch;
        jumps_.push_back({scope_, name(), statement.line, false, here, 0});
    } else if (base == "ret" && !end_label.empty()) {
        decoding.take("uni");
        decoding.result.flow = Flow::branch;
        jumps_.push_back({scope_, end_label, statement.line, false, here, 0});
    } else if (base == "ret" || base == "exit") {
        decoding.take("uni");
        decoding.result.flow = Flow::exit;
    } else {
        // "d|p" are two operands.
        if (!token().is(";")) {
            do statement.operands.push_back(operand());
            while (take(",") || take("|"));
        }
        decode(decoding);
    }
    decoding.finish();
    builder_->append(decoding.result, statement);
    need(";");
}

/// A call is replaced by the function's body with registers and labels of its own. Its parameters and results are variables
/// of local memory, which the caller has already declared.
void Parser::call(Statement &statement) {
    auto list = [&] {
        std::vector<Symbol> symbols;
        need("(");
        if (take(")")) return symbols;
        do {
            auto *found = symbol(name());
            if (!found || found->kind != Symbol::local) fail("an argument that is no .param variable");
            symbols.push_back(*found);
        } while (take(","));
        need(")");
        return symbols;
    };
    std::vector<Symbol> results, arguments;
    if (token().is("(")) {
        results = list();
        need(",");
    }
    std::string called = name();
    if (take(",")) arguments = list();
    need(";");
    size_t after = at_;
    auto found = functions_.find(called);
    if (found == functions_.end() || statement.guarded)
        bad_ptx(statement.line, "the function " + called + " is not in the module, or called under a condition: `" +
                                    statement.text + "`");
    if (++depth_ > 16) bad_ptx(statement.line, "calls are nested too deeply: `" + statement.text + "`");
    int outer = scope_;
    // The function sees neither registers nor variables of its caller.
    scope_ = open_scope(-1);
    auto bind = [&](size_t from, const std::vector<Symbol> &actual) {
        size_t i = 0;
        if (from == 0) return;
        at_ = from;
        need("(");
        if (!take(")")) {
            do {
                need(".param");
                std::string formal = declaration().name;
                if (i >= actual.size()) fail("too few arguments");
                scopes_[scope_].symbols[formal] = actual[i++];
            } while (take(","));
            need(")");
        }
        if (i != actual.size()) fail("too many arguments");
    };
    bind(found->second.results, results);
    bind(found->second.parameters, arguments);
    at_ = found->second.body;
    body("the end of the call");
    scopes_[scope_].labels["the end of the call"] = uint32_t(builder_->kernel.code.size());
    scope_ = outer;
    at_ = after;
    depth_--;
}

void Parser::resolve_jumps() {
    for (auto &jump : jumps_) {
        int scope = jump.scope;
        while (scope >= 0 && !scopes_[scope].labels.count(jump.label)) scope = scopes_[scope].parent;
        if (scope < 0) bad_ptx(jump.line, "the label is not known: " + jump.label);
        uint32_t target = scopes_[scope].labels[jump.label];
        if (jump.in_table) builder_->kernel.branch_tables[jump.at][jump.entry] = target;
        else builder_->kernel.code[jump.at].target = target;
    }
}

} // namespace

std::unique_ptr<Module> parse(const std::string &source, const std::function<uint64_t(uint64_t, bool)> &allocate) {
    return Parser(source, allocate).run();
}

} // namespace testdriver
