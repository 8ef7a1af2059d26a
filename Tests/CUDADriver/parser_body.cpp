// Bodies of kernels: registers, labels, operands, instructions and calls.
#include "parser_state.h"

namespace testdriver {

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
    if (kernel->parameter_bytes > 4096)
        fail("more than 4096 bytes of parameters");
    while (!token().is("{")) {
        std::string word = name();
        bool most = word == ".maxntid", exactly = word == ".reqntid";
        if (!most && !exactly && word != ".minnctapersm" && word != ".maxnreg")
            fail("not known: " + word);
        uint64_t product = number();
        while (take(","))
            product *= number();
        if (most)
            kernel->max_threads = uint32_t(product);
        if (exactly)
            kernel->required_threads = uint32_t(product);
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
    for (auto &each : dynamic_shared_)
        scopes_[scope_].symbols[each] = {Symbol::shared, kernel->static_shared};
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
        if (token().kind == Token::end)
            fail("no } before the end");
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
        if (type == Type::none)
            fail("the type of a register is not known");
        do {
            std::string first = name();
            if (take("<")) {
                uint64_t count = number();
                need(">");
                if (count > 100000)
                    fail("too many registers");
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
        uint64_t offset =
            place(builder_->kernel.local_bytes, declared.align < 16 ? 16 : declared.align, declared.size());
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
            while (token().kind != Token::end && !token().is("inlined_at"))
                at_++;
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
        if (found != scopes_[scope].registers.end())
            return &found->second;
    }
    return nullptr;
}

const Symbol *Parser::symbol(const std::string &name) const {
    for (int scope = scope_; scope >= 0; scope = scopes_[scope].parent) {
        auto found = scopes_[scope].symbols.find(name);
        if (found != scopes_[scope].symbols.end())
            return &found->second;
    }
    auto found = globals_.find(name);
    return found == globals_.end() ? nullptr : &found->second;
}

Operand Parser::name_operand(const std::string &name) {
    static const struct {
        const char *name;
        Special which;
    } specials[] = {{"%tid.x", tid_x},
                    {"%tid.y", tid_y},
                    {"%tid.z", tid_z},
                    {"%ntid.x", ntid_x},
                    {"%ntid.y", ntid_y},
                    {"%ntid.z", ntid_z},
                    {"%ctaid.x", ctaid_x},
                    {"%ctaid.y", ctaid_y},
                    {"%ctaid.z", ctaid_z},
                    {"%nctaid.x", nctaid_x},
                    {"%nctaid.y", nctaid_y},
                    {"%nctaid.z", nctaid_z},
                    {"%laneid", laneid},
                    {"%warpid", warpid},
                    {"%lanemask_lt", lanemask_lt},
                    {"%lanemask_le", lanemask_le},
                    {"%lanemask_eq", lanemask_eq},
                    {"%lanemask_ge", lanemask_ge},
                    {"%lanemask_gt", lanemask_gt},
                    {"%clock", clock_low},
                    {"%smid", smid}};
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
        if (result.kind == Operand::none)
            fail("the name is not known: " + name);
    }
    return result;
}

Operand Parser::operand() {
    Operand result;
    if (take("{")) {
        result.kind = Operand::vector;
        do
            result.elements.push_back(operand());
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
            if (take("+") || token().is("-"))
                result.bits = number();
        } else {
            result.bits = number();
        }
        need("]");
    } else if (take("!")) {
        result = name_operand(name());
        if (result.kind != Operand::in_register || result.reg.type != Type::pred)
            fail("! before what is no predicate");
        result.negated = true;
    } else if (token().kind == Token::word) {
        result = name_operand(name());
        if (result.kind == Operand::symbol && take("+"))
            result.bits = number();
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
        if (!found || found->type != Type::pred)
            fail("the guard is no predicate");
        statement.guard = *found;
    }
    std::string opcode = name();
    for (size_t from = 0; from <= opcode.size();) {
        size_t to = opcode.find('.', from);
        if (to == std::string::npos)
            to = opcode.size();
        statement.opcode.push_back(opcode.substr(from, to - from));
        from = to + 1;
    }
    if (statement.opcode[0] == "call")
        return call(statement);

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
            do
                statement.operands.push_back(operand());
            while (take(",") || take("|"));
        }
        decode(decoding);
    }
    decoding.finish();
    builder_->append(decoding.result, statement);
    need(";");
}

/// A call is replaced by the function's body with registers and labels of its own. Its parameters and results are
/// variables of local memory, which the caller has already declared.
void Parser::call(Statement &statement) {
    auto list = [&] {
        std::vector<Symbol> symbols;
        need("(");
        if (take(")"))
            return symbols;
        do {
            auto *found = symbol(name());
            if (!found || found->kind != Symbol::local)
                fail("an argument that is no .param variable");
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
    if (take(","))
        arguments = list();
    need(";");
    size_t after = at_;
    auto found = functions_.find(called);
    if (found == functions_.end() || statement.guarded)
        bad_ptx(statement.line, "the function " + called + " is not in the module, or called under a condition: `" +
                                    statement.text + "`");
    if (++depth_ > 16)
        bad_ptx(statement.line, "calls are nested too deeply: `" + statement.text + "`");
    int outer = scope_;
    // The function sees neither registers nor variables of its caller.
    scope_ = open_scope(-1);
    auto bind = [&](size_t from, const std::vector<Symbol> &actual) {
        size_t i = 0;
        if (from == 0)
            return;
        at_ = from;
        need("(");
        if (!take(")")) {
            do {
                need(".param");
                std::string formal = declaration().name;
                if (i >= actual.size())
                    fail("too few arguments");
                scopes_[scope_].symbols[formal] = actual[i++];
            } while (take(","));
            need(")");
        }
        if (i != actual.size())
            fail("too many arguments");
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
        while (scope >= 0 && !scopes_[scope].labels.count(jump.label))
            scope = scopes_[scope].parent;
        if (scope < 0)
            bad_ptx(jump.line, "the label is not known: " + jump.label);
        uint32_t target = scopes_[scope].labels[jump.label];
        if (jump.in_table)
            builder_->kernel.branch_tables[jump.at][jump.entry] = target;
        else
            builder_->kernel.code[jump.at].target = target;
    }
}

} // namespace testdriver
