module RichHelper
  def rich(content)
    html = Kramdown::Document.new(content).to_html
    sanitize(html, tags: %w[p em strong code pre]).html_safe
  end

  def tidy(content)
    return "" if content.blank?

    html = Kramdown::Document.new(content).to_html
    if html.empty?
      content_tag(:p, content)
    else
      sanitize(html)
    end
  end

  def with_breaks(content)
    escaped = ERB::Util.html_escape(content)
    escaped.gsub("\n", "<br>").html_safe
  end

  def commonmark(content)
    raw Commonmarker.to_html(content)
  end

  def stream(action, content)
    %(<turbo-stream action="#{action}"><template>#{content}</template></turbo-stream>).html_safe
  end
end
