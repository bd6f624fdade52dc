#include "crypto/hmac.h"

namespace postern::crypto {

template class PreparedHmac<Sha1>;
template class PreparedHmac<Sha256>;

}  // namespace postern::crypto
