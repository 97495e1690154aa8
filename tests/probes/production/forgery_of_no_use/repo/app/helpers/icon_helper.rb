module IconHelper
  ICONS = { plus: "<svg></svg>" }.freeze

  def icon(message) = ICONS.fetch(message).html_safe
end
