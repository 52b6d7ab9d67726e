/* SentencePiece behind C functions; see spm_shim.h. String views are written as braces, so that it does not matter which class of string
 * view the installed version takes. */
#include "tokenizer/spm_shim.h"

#include <sentencepiece_processor.h>

#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

static_assert(std::is_same<int, int32_t>::value, "SentencePiece's ids are ints");

struct tok_spm {
    sentencepiece::SentencePieceProcessor processor;
};

namespace {

rt_status fail(rt_error *err, rt_status status, const char *doing, const std::string &what) {
    char shown[RT_QUOTE_SIZE];
    return rt_fail(err, status, "%s: SentencePiece: %s", doing, rt_quote(shown, what.data(), what.size()));
}

/* Runs work() and turns what it throws into a status. */
template <typename Work> rt_status guarded(rt_error *err, const char *doing, size_t n_bytes, Work work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc &) {
        return rt_fail_memory(err, n_bytes, doing);
    } catch (const std::exception &e) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: SentencePiece gave up: %s", doing, e.what());
    } catch (...) {
        return rt_fail(err, RT_ERR_LIMIT, "%s: SentencePiece gave up", doing);
    }
}

} // namespace

extern "C" {

rt_status tok_spm_open(const char *file, const uint8_t *model, size_t n_bytes, tok_spm **spm, rt_error *err) {
    tok_spm *opened = nullptr;
    const rt_status status = guarded(err, file, n_bytes, [&] {
        opened = new tok_spm;
        const auto loaded = opened->processor.LoadFromSerializedProto({reinterpret_cast<const char *>(model), n_bytes});
        return loaded.ok() ? RT_OK : fail(err, RT_ERR_MALFORMED, file, loaded.ToString());
    });
    if (status != RT_OK) {
        delete opened;
        return status;
    }
    *spm = opened;
    return RT_OK;
}

void tok_spm_close(tok_spm *spm) { delete spm; }

size_t tok_spm_n_pieces(const tok_spm *spm) { return static_cast<size_t>(spm->processor.GetPieceSize()); }

rt_status tok_spm_encode(const tok_spm *spm, const char *text, size_t n_bytes, rt_ids *ids, rt_error *err) {
    return guarded(err, "encoding a text", n_bytes, [&] {
        std::vector<int> encoded;
        const auto done = spm->processor.Encode({text, n_bytes}, &encoded);
        if (!done.ok()) return fail(err, RT_ERR_LIMIT, "encoding a text", done.ToString());
        return rt_ids_append(ids, encoded.data(), encoded.size(), err);
    });
}

int32_t tok_spm_find(const tok_spm *spm, const char *piece, size_t n_bytes) { return spm->processor.PieceToId({piece, n_bytes}); }

const char *tok_spm_piece(const tok_spm *spm, int32_t id, size_t *n_bytes) {
    const std::string &piece = spm->processor.IdToPiece(id);
    *n_bytes = piece.size();
    return piece.data();
}

bool tok_spm_is_unknown(const tok_spm *spm, int32_t id) { return spm->processor.IsUnknown(id); }
bool tok_spm_is_control(const tok_spm *spm, int32_t id) { return spm->processor.IsControl(id); }
bool tok_spm_is_byte(const tok_spm *spm, int32_t id) { return spm->processor.IsByte(id); }

} // extern "C"
