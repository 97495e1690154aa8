class RefundTool < ApplicationTool
  requires_role :manager
  description "Refunds an order"
  param :order, type: :integer, desc: "its number", required: false
  attr_reader :ledger

  def execute(order: nil) = halt(order.to_s)
end
