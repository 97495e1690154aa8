class HealthController < ActionController::API
  def show = head(:ok)
end
