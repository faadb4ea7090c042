/* The usual case of Book.apply, compiled: plain decimals into two sorted lists for each side; and
 * the look at a text that comes before it.
 *
 * What it does is what book.py and side.py do, which remain the rule and the fallback: keys are
 * floats (prices of asks negated, so that the best level is last), values are the levels as JSON
 * text in the exchange's own spelling. It looks at every text before it changes anything, and where
 * one is not usual it changes nothing and says so; then the Python code decides what it is.
 * No state, no I/O, the lists stay Python's own.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define PRICE_CHARACTERS 16 /* UNIQUE_CHARACTERS of side.py: up to here a price has its own float */
#define QUANTITY_CHARACTERS 20 /* CEILING_CHARACTERS of level.py: up to here it is below 1e20 */
#define WHOLE_CHARACTERS 18 /* fits 63 bits */
#define LAST_MS (INT64_MAX / 1000000) /* nanoseconds fit 63 bits up to here, in 2262 */
#define EXACT (1ULL << 53) /* whole numbers up to here are floats without rounding */
#define SOME_LEVELS 64 /* more of them need memory of their own */

static const double POWERS[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

typedef struct {
    double price;
    int removes;
} Change;

/* The characters of an ASCII text; NULL if it is none, or longer than `most`. */
static const char *
characters(PyObject *text, Py_ssize_t most, Py_ssize_t *length)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text))
        return NULL;
    *length = PyUnicode_GET_LENGTH(text);
    return *length <= most ? (const char *)PyUnicode_1BYTE_DATA(text) : NULL;
}

/* Read digits with at most one point. The float is the one Python's float() gives: the digits are a
 * whole number below 2**53 and the power of ten is exact, so the one division rounds correctly. */
static int
read_price(PyObject *text, double *price)
{
    Py_ssize_t length, places = 0, digits = 0;
    const char *at = characters(text, PRICE_CHARACTERS, &length);
    uint64_t whole = 0;
    int point = 0;
    if (at == NULL)
        return 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        unsigned digit = (unsigned char)at[i] - '0';
        if (digit <= 9) {
            whole = whole * 10 + digit;
            digits++;
            places += point;
        }
        else if (at[i] == '.' && !point)
            point = 1;
        else
            return 0;
    }
    if (!digits || whole > EXACT)
        return 0;
    *price = (double)whole / POWERS[places];
    return 1;
}

/* Whether a text is a plain decimal, and whether it is zero. */
static int
read_quantity(PyObject *text, int *zero)
{
    Py_ssize_t length, digits = 0;
    const char *at = characters(text, QUANTITY_CHARACTERS, &length);
    int point = 0;
    if (at == NULL)
        return 0;
    *zero = 1;
    for (Py_ssize_t i = 0; i < length; i++) {
        unsigned digit = (unsigned char)at[i] - '0';
        if (digit <= 9) {
            digits++;
            if (digit)
                *zero = 0;
        }
        else if (at[i] == '.' && !point)
            point = 1;
        else
            return 0;
    }
    return digits > 0;
}

/* Read all levels of a side; 0 if one is not usual. */
static int
read_side(PyObject *levels, Change *changes)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(levels); i++) {
        PyObject *level = PyList_GET_ITEM(levels, i);
        if (!PyTuple_CheckExact(level) || PyTuple_GET_SIZE(level) != 2 ||
            !read_price(PyTuple_GET_ITEM(level, 0), &changes[i].price) ||
            !read_quantity(PyTuple_GET_ITEM(level, 1), &changes[i].removes))
            return 0;
    }
    return 1;
}

/* A level as JSON text, ["price","quantity"]. */
static PyObject *
join(PyObject *level)
{
    PyObject *price = PyTuple_GET_ITEM(level, 0), *quantity = PyTuple_GET_ITEM(level, 1);
    Py_ssize_t m = PyUnicode_GET_LENGTH(price), n = PyUnicode_GET_LENGTH(quantity);
    PyObject *value = PyUnicode_New(m + n + 7, 127);
    if (value == NULL)
        return NULL;
    char *at = (char *)PyUnicode_1BYTE_DATA(value);
    memcpy(at, "[\"", 2);
    memcpy(at + 2, PyUnicode_1BYTE_DATA(price), m);
    memcpy(at + 2 + m, "\",\"", 3);
    memcpy(at + 5 + m, PyUnicode_1BYTE_DATA(quantity), n);
    memcpy(at + 5 + m + n, "\"]", 2);
    return value;
}

/* Where a key is or belongs: the first place whose key is not below it. */
static Py_ssize_t
find(PyObject *keys, double key)
{
    PyObject **items = ((PyListObject *)keys)->ob_item;
    Py_ssize_t low = 0, high = PyList_GET_SIZE(keys);
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (PyFloat_AS_DOUBLE(items[middle]) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Set or remove one level. */
static int
set_level(PyObject *level, const Change *change, double sign, PyObject *keys, PyObject *values)
{
    double key = change->price * sign;
    Py_ssize_t at = find(keys, key), count = PyList_GET_SIZE(keys);
    int there = at < count && PyFloat_AS_DOUBLE(PyList_GET_ITEM(keys, at)) == key;
    if (change->removes) {
        if (!there)
            return 0;
        return PyList_SetSlice(keys, at, at + 1, NULL) < 0 ||
               PyList_SetSlice(values, at, at + 1, NULL) < 0;
    }
    PyObject *value = join(level);
    if (value == NULL)
        return -1;
    if (there)
        return PyList_SetItem(values, at, value);
    PyObject *number = PyFloat_FromDouble(key);
    int failed = number == NULL || PyList_Insert(keys, at, number) < 0 ||
                 PyList_Insert(values, at, value) < 0;
    Py_XDECREF(number);
    Py_DECREF(value);
    return failed;
}

static int
set_side(PyObject *levels, const Change *changes, double sign, PyObject *keys, PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(levels); i++)
        if (set_level(PyList_GET_ITEM(levels, i), &changes[i], sign, keys, values))
            return -1;
    return 0;
}

PyDoc_STRVAR(apply_doc,
             "apply(bids, asks, bid_keys, bid_values, ask_keys, ask_values)\n--\n\n"
             "Set the quantities of some levels; 0 removes. False: a level is not usual, nothing "
             "was changed.");

static PyObject *
apply(PyObject *module, PyObject *const *given, Py_ssize_t count)
{
    if (count != 6)
        return PyErr_Format(PyExc_TypeError, "apply takes 6 lists, not %zd", count);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!PyList_CheckExact(given[i]))
            return PyErr_Format(PyExc_TypeError, "argument %zd is no list", i + 1);
    PyObject *bids = given[0], *asks = given[1];
    if (PyList_GET_SIZE(given[2]) != PyList_GET_SIZE(given[3]) ||
        PyList_GET_SIZE(given[4]) != PyList_GET_SIZE(given[5]))
        return PyErr_Format(PyExc_ValueError, "keys and values differ in length");
    Py_ssize_t split = PyList_GET_SIZE(bids), all = split + PyList_GET_SIZE(asks);
    Change some[SOME_LEVELS], *changes = some;
    if (all > SOME_LEVELS && (changes = PyMem_New(Change, all)) == NULL)
        return PyErr_NoMemory();
    PyObject *result = NULL;
    if (!read_side(bids, changes) || !read_side(asks, changes + split))
        result = Py_NewRef(Py_False);
    else if (!set_side(bids, changes, 1.0, given[2], given[3]) &&
             !set_side(asks, changes + split, -1.0, given[4], given[5]))
        result = Py_NewRef(Py_True);
    if (changes != some)
        PyMem_Free(changes);
    return result;
}

PyDoc_STRVAR(positive_doc, "positive(*texts)\n--\n\n"
                           "Whether all texts are plain decimals above 0, of at most 20 characters.");

static PyObject *
positive(PyObject *module, PyObject *const *texts, Py_ssize_t count)
{
    int zero;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!read_quantity(texts[i], &zero) || zero)
            Py_RETURN_FALSE;
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(whole_doc, "whole(*texts)\n--\n\n"
                        "The numbers of texts of 1 to 18 digits; ValueError for any other.");

/* The number of a text of 1 to 18 digits; -1, and a ValueError, for any other. */
static long long
read_whole(PyObject *text)
{
    Py_ssize_t length;
    const char *at = characters(text, WHOLE_CHARACTERS, &length);
    long long number = 0;
    int bad = at == NULL || length == 0;
    for (Py_ssize_t i = 0; !bad && i < length; i++) {
        unsigned digit = (unsigned char)at[i] - '0';
        bad = digit > 9;
        number = number * 10 + digit;
    }
    if (!bad)
        return number;
    PyErr_Format(PyExc_ValueError, "%R is no whole number", text);
    return -1;
}

static PyObject *
whole(PyObject *module, PyObject *const *texts, Py_ssize_t count)
{
    PyObject *numbers = PyTuple_New(count);
    for (Py_ssize_t i = 0; numbers != NULL && i < count; i++) {
        long long number = read_whole(texts[i]);
        PyObject *made = number < 0 ? NULL : PyLong_FromLongLong(number);
        if (made == NULL)
            Py_CLEAR(numbers);
        else
            PyTuple_SET_ITEM(numbers, i, made);
    }
    return numbers;
}

PyDoc_STRVAR(traded_doc,
             "traded(price, quantity, time_ms, trade_id)\n--\n\n"
             "The time in nanoseconds and the id; ValueError if a text is not usual.");

static PyObject *
traded(PyObject *module, PyObject *const *texts, Py_ssize_t count)
{
    int no_price = 1, no_quantity = 1;
    if (count != 4)
        return PyErr_Format(PyExc_TypeError, "traded takes 4 texts, not %zd", count);
    if (!read_quantity(texts[0], &no_price) || !read_quantity(texts[1], &no_quantity) ||
        no_price || no_quantity)
        return PyErr_Format(PyExc_ValueError, "price %R, quantity %R", texts[0], texts[1]);
    long long time_ms = read_whole(texts[2]), id = time_ms < 0 ? -1 : read_whole(texts[3]);
    if (id < 0)
        return NULL;
    if (time_ms == 0 || time_ms > LAST_MS)
        return PyErr_Format(PyExc_ValueError, "time %R is not usual", texts[2]);
    PyObject *time_ns = PyLong_FromLongLong(time_ms * 1000000), *number = PyLong_FromLongLong(id);
    PyObject *both = time_ns && number ? PyTuple_New(2) : NULL;
    if (both == NULL) {
        Py_XDECREF(time_ns);
        Py_XDECREF(number);
        return NULL;
    }
    PyTuple_SET_ITEM(both, 0, time_ns);
    PyTuple_SET_ITEM(both, 1, number);
    return both;
}

static PyMethodDef methods[] = {
    {"traded", (PyCFunction)(void (*)(void))traded, METH_FASTCALL, traded_doc},
    {"whole", (PyCFunction)(void (*)(void))whole, METH_FASTCALL, whole_doc},
    {"positive", (PyCFunction)(void (*)(void))positive, METH_FASTCALL, positive_doc},
    {"apply", (PyCFunction)(void (*)(void))apply, METH_FASTCALL, apply_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_fast", "What fast.py offers, compiled.", 0, methods,
};

PyMODINIT_FUNC
PyInit__fast(void)
{
    return PyModuleDef_Init(&definition);
}
