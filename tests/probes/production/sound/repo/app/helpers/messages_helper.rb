module MessagesHelper
  ICONS = { send: "<svg></svg>" }.freeze

  def icon(name)
    ICONS.fetch(name).html_safe
  end

  def line_break = "<br>".html_safe

  def markdown(text)
    renderer = Redcarpet::Render::HTML.new(filter_html: true)
    Redcarpet::Markdown.new(renderer).render(text).html_safe
  end
end
