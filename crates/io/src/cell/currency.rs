//! What amounts are written with: signs and codes of currencies.

/// Currency signs and codes, longer before shorter where one begins another.
pub(super) const CURRENCIES: [&str; 50] = [
    "US$", "AU$", "CA$", "NZ$", "HK$", "R$", "A$", "C$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺",
    "₪", "₫", "฿", "₴", "₦", "zł", "Kč", "Rs.", "Rs", "kr", "Ft", "USD", "EUR", "GBP", "JPY",
    "CNY", "INR", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RUB",
    "BRL", "MXN", "ZAR", "TRY", "KRW", "SGD",
];
