#include "template/mustache.h"

extern "C" {
#include "base/secret.h"
}

#include <cstdlib>
#include <exception>
#include <kainjow/mustache.hpp>
#include <malloc.h>
#include <memory>
#include <new>
#include <string>

/* All C++ memory of the program: the library copies values about as it likes, and one of them may
 * be a link that lets somebody in. */
void *operator new(std::size_t n)
{
    if (void *memory = std::malloc(n > 0 ? n : 1))
        return memory;
    throw std::bad_alloc();
}

void *operator new(std::size_t n, const std::nothrow_t &) noexcept
{
    return std::malloc(n > 0 ? n : 1);
}

void operator delete(void *memory) noexcept
{
    if (memory)
        secret_wipe(memory, malloc_usable_size(memory));
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept
{
    ::operator delete(memory);
}

/* Outlook does not know the library's &apos;. */
static std::string escape(const std::string &value)
{
    std::string safe;
    safe.reserve(value.size() + value.size() / 8);
    for (const char c : value) {
        switch (c) {
        case '&':
            safe += "&amp;";
            break;
        case '<':
            safe += "&lt;";
            break;
        case '>':
            safe += "&gt;";
            break;
        case '"':
            safe += "&quot;";
            break;
        case '\'':
            safe += "&#39;";
            break;
        default:
            safe += c;
        }
    }
    return safe;
}

namespace
{
struct BrokenOff {
};

/* Asks the callback for each name. The library keeps pointers while a section is open; a section
 * only wants to know whether there is something, so its value is never copied. That of a variable
 * is written out at once and gives way to the next. */
class Values final : public kainjow::mustache::basic_context<std::string>
{
  public:
    Values(MustacheLookup lookup, gpointer user) : lookup_(lookup), user_(user)
    {
    }

    void push(const kainjow::mustache::data *) override
    {
    } /* names mean the same everywhere */
    void pop() override
    {
    }

    const kainjow::mustache::data *get(const std::string &name) const override
    {
        const char *value = lookup_(name.c_str(), user_);
        if (!value)
            throw BrokenOff();
        if (name[0] == '?')
            return *value ? &yes_ : &no_;
        variable_ = value;
        return &variable_;
    }

    const kainjow::mustache::data *get_partial(const std::string &) const override
    {
        return nullptr;
    }

  private:
    MustacheLookup lookup_;
    gpointer user_;
    const kainjow::mustache::data yes_{true}, no_{false};
    mutable kainjow::mustache::data variable_;
};
} // namespace

/* The library marks no method const; rendering without partials and lambdas changes nothing. */
struct mustache {
    explicit mustache(const char *text) : source(std::string(text))
    {
    }
    mutable kainjow::mustache::mustache source;
};

/* No exception may reach C, not even one for want of memory. */
Mustache *mustache_new(const char *source, gboolean escapes_html)
try {
    auto made = std::make_unique<Mustache>(source);
    if (!made->source.is_valid())
        return nullptr;
    if (escapes_html)
        made->source.set_custom_escape(escape);
    else
        made->source.set_custom_escape([](const std::string &value) { return value; });
    return made.release();
} catch (const std::exception &) {
    return nullptr;
}

void mustache_free(Mustache *mustache)
{
    delete mustache;
}

char *mustache_render(const Mustache *mustache, MustacheLookup lookup, gpointer user)
{
    try {
        Values values(lookup, user);
        return g_strdup(mustache->source.render(values).c_str());
    } catch (const BrokenOff &) {
        return nullptr;
    } catch (const std::exception &) {
        return nullptr;
    }
}
