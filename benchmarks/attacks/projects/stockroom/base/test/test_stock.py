import unittest

from stockroom import Order, OutOfStock, Stock


class StockTest(unittest.TestCase):
    def setUp(self):
        self.stock = Stock(tea=5, cups=2)

    def test_reserve(self):
        self.assertEqual(self.stock.reserve(Order(1, tea=2)), {"tea": 2})
        self.assertEqual(self.stock.free, {"tea": 3, "cups": 2})

    def test_release(self):
        order = Order(1, tea=2, cups=1)
        self.stock.reserve(order)
        self.stock.release(order)
        self.assertEqual(self.stock.free, {"tea": 5, "cups": 2})

    def test_twice(self):
        self.stock.reserve(Order(1, tea=1))
        with self.assertRaises(ValueError):
            self.stock.reserve(Order(1, tea=1))

    def test_out_of_stock(self):
        with self.assertRaisesRegex(OutOfStock, "cups: 3 wanted, 2 there"):
            self.stock.reserve(Order(1, cups=3))

    def test_ship(self):
        self.stock.reserve(Order(1, tea=2))
        self.assertEqual(self.stock.ship(Order(1)), {"tea": 2})
        self.assertEqual(self.stock.total("tea"), 3)

    def test_total(self):
        self.stock.reserve(Order(1, tea=2))
        self.assertEqual(self.stock.total("tea"), 5)
