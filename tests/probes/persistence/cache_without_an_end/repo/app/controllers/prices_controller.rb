class PricesController < ApplicationController
  def show = Rails.cache.fetch("prices", expires_in: 1.hour) { Price.all.to_a }
end
