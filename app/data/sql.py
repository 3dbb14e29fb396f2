from PySide6.QtWidgets import *
from app.ui.theme import Theme
from app.ui.gallery import Gallery
from app.ui.widgets.fields import Select
app=QApplication([]); t=Theme(app,"light"); t.apply()
g=Gallery(t); g.show(); app.processEvents()
s=g.findChild(Select); print(s.geometry(), s.parentWidget().geometry(), s.parentWidget().layout().geometry(), s.sizePolicy().horizontalPolicy())
g.close()
