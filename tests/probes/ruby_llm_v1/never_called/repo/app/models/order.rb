class Order
  def complete = true
end
