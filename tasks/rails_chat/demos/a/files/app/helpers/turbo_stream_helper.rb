# The part of turbo-rails' `turbo_stream` builder that this app needs, under the same names: the gem can replace it.
module TurboStreamHelper
  def turbo_stream = Builder.new(self)

  # Renders <turbo-stream> elements for the view it was made in.
  class Builder
    def initialize(view)
      @view = view
    end

    def append(target, **rendering) = stream(:append, target, render(rendering))
    def update(target, **rendering) = stream(:update, target, render(rendering))
    def remove(target) = stream(:remove, target, nil)

    private

    def render(rendering)
      content = rendering.empty? ? nil : @view.render(formats: [:html], **rendering)
      @view.content_tag(:template, content)
    end

    def stream(action, target, template)
      @view.content_tag("turbo-stream", template, action:, target:)
    end
  end
end
